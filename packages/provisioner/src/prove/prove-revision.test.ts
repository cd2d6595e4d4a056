import { expect, test } from "vitest";
import type { DiscoveryResponse } from "./discovery-stream.ts";
import { openRevisionStream } from "./open-revision-stream.ts";
import { proveEndpoint } from "./prove-endpoint.ts";
import { proveRevision } from "./prove-revision.ts";
import { refuse, startApiServer, type TestAnswer } from "./testing/test-api-server.ts";
import { startDnsServer } from "./testing/test-dns-server.ts";
import { startEdge } from "./testing/test-edge.ts";
import { createResource, startIstiod, testHostname } from "./testing/test-istiod.ts";
import { createTestRoot } from "./testing/test-mesh.ts";
import { createInjection, createSidecar, startWebhookServer } from "./testing/test-webhook-server.ts";
import type { ProofRequest } from "./types.ts";

const spiffeId = "spiffe://cluster.local/ns/pilothouse-probe/sa/pilothouse-probe";
const denial = "configuration is invalid: weight -20 < 0";

/** A mesh cluster, an edge and an istiod in which all is well, save what `answer` says. */
async function startWorld(answer: TestAnswer = () => undefined) {
  const root = await createTestRoot();
  const istiod = await startIstiod(
    {
      sign: async ({ csr }) => [await root.signRequest(csr, spiffeId), root.certificate],
      onDiscovery: ({ typeUrl, responseNonce }, stream) => {
        if (responseNonce !== "") return;
        stream.send({ typeUrl, versionInfo: "v1", nonce: "n", resources: [createResource(typeUrl, "one")] });
      },
    },
    { root, requireClientCertificate: false },
  );
  const xds = await startEdge(istiod.port);
  const address = `${testHostname}:${xds.port}`;
  const webhook = await startEdge(
    await startWebhookServer(root, testHostname, (path, { object }) => {
      if (path === "/inject") return createInjection(createSidecar(address), "r5", true);
      const isInvalid = JSON.stringify(object).includes('"weight":-20');
      return isInvalid ? { allowed: false, status: { message: denial } } : { allowed: true };
    }),
  );
  const { client, calls } = await startApiServer((call) => {
    const special = answer(call);
    if (special !== undefined) return special;
    if (call.path.endsWith("/configmaps/istio-ca-root-cert")) {
      const metadata = { name: "istio-ca-root-cert" };
      return { body: { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "root-cert.pem": root.certificate } } };
    }
    if (call.path.endsWith("/token")) {
      return { status: 201, body: { status: { token: "t", expirationTimestamp: "2026-01-01T00:00:00Z" } } };
    }
    if (call.path.endsWith("/pods")) {
      const metadata = { name: "pod", annotations: { "sidecar.istio.io/status": '{"revision":"r5"}' } };
      return { body: { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [createSidecar(address)] } } };
    }
    return refuse(400, `admission webhook "rev.validation.istio.io" denied the request: ${denial}`);
  });
  const resolver = await startDnsServer((name) => (name === testHostname ? ["127.0.0.1"] : { code: 3 }));
  const request: ProofRequest = {
    meshClient: client,
    revision: { id: "r5", hostname: testHostname, version: "1.32-dev" },
    provider: { resolvers: [resolver] },
    ports: { webhook: webhook.port, xds: xds.port },
    timeoutMs: 3_000,
  };
  return { request, calls, root, webhook, xds };
}

test("a revision in which all is well is proven, and nothing stays open", async () => {
  const { request, root, webhook, xds, calls } = await startWorld();
  const { proofs, rootCertificates } = await proveRevision(request);
  expect(proofs.map(({ name, ok, verdict }) => [name, ok, verdict])).toEqual(
    ["admission", "injection", "certificate", "discovery"].map((name) => [name, true, "proven"]),
  );
  expect(proofs.every(({ latencyMs }) => latencyMs > 0 && latencyMs < 3_000)).toBe(true);
  expect(rootCertificates).toEqual([root.certificate]);
  expect(proofs.at(-1)?.message).toBe(
    "A proxy gets clusters and listeners from istiod, and its acknowledgements are taken.",
  );
  expect([webhook.openConnections(), xds.openConnections()]).toEqual([0, 0]);
  expect(
    calls.filter(
      ({ method, query, path }) => method === "POST" && !path.endsWith("/token") && query.get("dryRun") !== "All",
    ),
  ).toEqual([]);
});

test("an endpoint in which all is well is proven, without a write to the mesh cluster", async () => {
  const { request, webhook, xds, calls } = await startWorld();
  const { proofs } = await proveEndpoint(request);
  const names = [
    "webhookHandshake",
    "discoveryHandshake",
    "validationAnswer",
    "injectionAnswer",
    "certificate",
    "discovery",
  ];
  expect(proofs.map(({ name, ok }) => [name, ok])).toEqual(names.map((name) => [name, true]));
  await Promise.all([webhook.drained(), xds.drained()]);
  expect(new Set(calls.map(({ path }) => path.split("/").at(-1)))).toEqual(new Set(["istio-ca-root-cert", "token"]));
});

test("only what is asked for is tried", async () => {
  const { request, calls } = await startWorld();
  const { proofs } = await proveRevision({ ...request, only: ["admission"] });
  expect(proofs.map(({ name }) => name)).toEqual(["admission"]);
  expect(calls).toHaveLength(1);
  const discovery = await proveEndpoint({ ...request, only: ["discovery"] });
  expect(discovery.proofs.map(({ name, ok }) => [name, ok])).toEqual([["discovery", true]]);
});

test("one proof that fails leaves the others alone; what stands on it is not tried", async () => {
  const { request } = await startWorld((call) => (call.path.endsWith("/token") ? refuse(500, "etcd") : undefined));
  const { proofs } = await proveRevision(request);
  expect(proofs.map(({ ok, verdict, reason }) => [ok, verdict, reason])).toEqual([
    [true, "proven", undefined],
    [true, "proven", undefined],
    [false, "unknown", "MeshApiUnavailable"],
    [false, "unknown", "NotTried"],
  ]);
  expect(proofs.map(({ verdict }) => verdict)).toEqual(["proven", "proven", "unknown", "unknown"]);
});

test("without a root, and behind a name that is not published, it is a matter of waiting", async () => {
  const rootless = await startWorld((call) =>
    call.path.includes("/configmaps/") ? refuse(404, "not found") : undefined,
  );
  const { proofs, rootCertificates } = await proveEndpoint(rootless.request);
  expect(rootCertificates).toEqual([]);
  expect(proofs.slice(0, 5).map(({ reason, waitable }) => [reason, waitable])).toEqual(
    Array.from({ length: 5 }, () => ["RootCertificateMissing", true]),
  );
  const { request } = await startWorld();
  const nameless = await proveEndpoint({ ...request, revision: { id: "r6", hostname: "r6.mesh.test" } });
  expect(nameless.proofs[0]).toMatchObject({ reason: "NameNotFound", verdict: "refuted", waitable: true });
});

test("every address must lead to istiod before webhooks point there", async () => {
  const { request, xds } = await startWorld();
  const resolver = await startDnsServer(() => ["127.0.0.1", "127.0.0.2"]);
  const { proofs } = await proveEndpoint({ ...request, provider: { resolvers: [resolver] } });
  const byName = Object.fromEntries(proofs.map((proof) => [proof.name, proof]));
  expect(byName["discoveryHandshake"]).toMatchObject({
    ok: false,
    reason: "ConnectionRefused",
    details: { address: "127.0.0.2", port: xds.port },
  });
  // A proxy does try the next one.
  expect(byName["certificate"]).toMatchObject({ ok: true });
});

test("a caller that gives up gets its answer at once: nothing is known", async () => {
  const { request, xds } = await startWorld();
  const { proofs } = await proveRevision({ ...request, signal: AbortSignal.abort() });
  expect(proofs.map(({ verdict, reason }) => [verdict, reason])).toEqual([
    ["unknown", "Aborted"],
    ["unknown", "Aborted"],
    ["unknown", "Aborted"],
    ["unknown", "NotTried"],
  ]);
  await xds.drained();
});

test("a fault of the prober itself is no fault of the revision", async () => {
  const { request } = await startWorld();
  const meshClient = new Proxy(request.meshClient, {
    get: (target, name, receiver): unknown => {
      if (name === "create") throw new RangeError("a bug");
      return Reflect.get(target, name, receiver);
    },
  });
  const { proofs } = await proveRevision({ ...request, meshClient, only: ["injection"] });
  expect(proofs).toMatchObject([{ ok: false, verdict: "unknown", reason: "ProberFault", waitable: false }]);
});

test("a revision's stream opens with one call", async () => {
  const { request, xds } = await startWorld();
  const seen: DiscoveryResponse[] = [];
  const both = Promise.withResolvers<void>();
  const stream = await openRevisionStream({
    ...request,
    onResponse: (response) => {
      seen.push(response);
      if (seen.length === 2) both.resolve();
    },
  });
  await both.promise;
  expect(seen.map(({ resourceNames }) => resourceNames)).toEqual([["one"], ["one"]]);
  await stream.close();
  expect(xds.openConnections()).toBe(0);
});
