import { expect, test } from "vitest";
import { clusterType, listenerType, openDiscoveryStream, type DiscoveryResponse } from "./discovery-stream.ts";
import type { StreamEnd } from "./grpc-session.ts";
import type { GrpcEndpoint } from "./prove-certificate.ts";
import { proveDiscovery } from "./prove-discovery.ts";
import { ProofFailure } from "./reasons.ts";
import { startEdge } from "./testing/test-edge.ts";
import {
  createResource,
  startIstiod,
  testHostname,
  type TestDiscoveryRequest,
  type TestIstiodBehaviour,
  type TestStream,
} from "./testing/test-istiod.ts";
import { saying } from "./testing/matchers.ts";
import { createTestRoot, type TestAuthority } from "./testing/test-mesh.ts";
import { withTimeLimit } from "./time-limit.ts";
import type { ClientIdentity } from "./tls-connection.ts";
import { createKeyAndRequest } from "./workload-certificate.ts";

const spiffeId = "spiffe://cluster.local/ns/pilothouse-probe/sa/pilothouse-probe";
const node = { revisionId: "r5", version: "1.32-dev" };
const never = new AbortController().signal;

async function issueIdentity(root: TestAuthority): Promise<ClientIdentity> {
  const { csr, privateKey } = await createKeyAndRequest(spiffeId);
  return { certificateChain: await root.signRequest(csr, spiffeId), privateKey };
}

async function start(onDiscovery: NonNullable<TestIstiodBehaviour["onDiscovery"]>) {
  const root = await createTestRoot();
  const istiod = await startIstiod({ onDiscovery }, { root, requireClientCertificate: true });
  const edge = await startEdge(istiod.port);
  const endpoint: GrpcEndpoint = {
    hostname: testHostname,
    port: edge.port,
    addresses: ["127.0.0.1"],
    rootCertificates: root.certificate,
  };
  return { istiod, edge, endpoint, identity: await issueIdentity(root) };
}

/** Answers what is asked for the first time, as istiod does. */
function answer(request: TestDiscoveryRequest, stream: TestStream, names = ["first", "second"]): void {
  if (request.responseNonce !== "") return;
  stream.send({
    typeUrl: request.typeUrl,
    versionInfo: "v1",
    nonce: `nonce of ${request.typeUrl}`,
    resources: names.map((name) => createResource(request.typeUrl, name)),
    controlPlane: { identifier: '{"Component":"istiod","ID":"istiod-7","Info":{"version":"1.32-dev"}}' },
  });
}

function prove(target: { endpoint: GrpcEndpoint; identity: ClientIdentity }, limitMs = 5_000) {
  return withTimeLimit(limitMs, undefined, (signal) => proveDiscovery({ ...target, node, signal }));
}

test("clusters, then listeners, each acknowledged with its version and nonce, as the workload of the certificate", async () => {
  let seen: TestDiscoveryRequest[] = [];
  const target = await start((request, stream, all) => {
    seen = all;
    answer(request, stream);
  });
  expect(await prove(target)).toMatchObject({
    details: { clusters: 2, listeners: 2, istiod: "istiod-7", istiodVersion: "1.32-dev" },
  });
  expect(target.edge.openConnections()).toBe(0);
  expect(target.istiod.clientNames).toEqual([`URI:${spiffeId}`]);
  expect(seen).toMatchObject([
    {
      typeUrl: clusterType,
      responseNonce: "",
      node: {
        id: "sidecar~192.0.2.1~pilothouse-probe.pilothouse-probe~pilothouse-probe.svc.cluster.local",
        metadata: {
          NAMESPACE: "pilothouse-probe",
          SERVICE_ACCOUNT: "pilothouse-probe",
          ISTIO_VERSION: "1.32-dev-pilothouse",
        },
      },
    },
    { typeUrl: clusterType, versionInfo: "v1", responseNonce: `nonce of ${clusterType}` },
    { typeUrl: listenerType, responseNonce: "" },
    { typeUrl: listenerType, versionInfo: "v1", responseNonce: `nonce of ${listenerType}` },
  ]);
  expect(seen.filter((request) => request.error !== undefined)).toEqual([]);
});

test("istiod answers nothing, or no listeners, in time", async () => {
  const silent = await start(() => {});
  await expect(prove(silent, 300)).rejects.toMatchObject({
    reason: "NoAnswer",
    message: saying("the request for clusters"),
  });
  await silent.edge.drained();
  const halfway = await start((request, stream) => request.typeUrl === clusterType && answer(request, stream));
  await expect(prove(halfway, 500)).rejects.toMatchObject({
    reason: "NoAnswer",
    message: saying("the request for listeners"),
  });
  await halfway.edge.drained();
});

test.for([
  [clusterType, "NoClusters"],
  [listenerType, "NoListeners"],
] as const)("an answer without any %s", async ([typeUrl, reason]) => {
  const target = await start((request, stream) => answer(request, stream, request.typeUrl === typeUrl ? [] : ["one"]));
  await expect(prove(target)).rejects.toMatchObject({ reason });
  expect(target.edge.openConnections()).toBe(0);
});

test.for([
  ["of another type", createResource(listenerType, "x"), "among those of"],
  ["without a name", { type_url: clusterType, value: Buffer.alloc(0) }, "without a name"],
  ["that can't be read", { type_url: clusterType, value: Buffer.from([0x0a, 0xff]) }, "can't be read"],
] as const)("a resource %s is refused with a NACK", async ([, resource, problem]) => {
  const refused = Promise.withResolvers<TestDiscoveryRequest>();
  const target = await start((request, stream) => {
    if (request.error !== undefined) refused.resolve(request);
    if (request.responseNonce === "") {
      stream.send({ typeUrl: clusterType, versionInfo: "v1", nonce: "n1", resources: [resource] });
    }
  });
  await expect(prove(target)).rejects.toMatchObject({ reason: "MalformedResources" });
  expect(await refused.promise).toMatchObject({
    versionInfo: "",
    responseNonce: "n1",
    error: saying(problem),
  });
});

test.for([
  ["not ready", { code: 14, details: "server is not ready to serve discovery information" }, "NotReady"],
  ["another identity than the node's", { code: 7, details: "no identities matched" }, "IdentityRefused"],
  ["not authenticated", { code: 16, details: "no" }, "Unauthenticated"],
] as const)("a stream that istiod refuses: %s", async ([, status, reason]) => {
  const target = await start((_request, stream) => stream.end(status));
  await expect(prove(target)).rejects.toMatchObject({ reason });
  expect(target.edge.openConnections()).toBe(0);
});

test("a stream that ends after the last acknowledgement is not proven", async () => {
  const target = await start((request, stream) => {
    answer(request, stream);
    if (request.typeUrl === listenerType && request.responseNonce !== "") stream.end({ code: 13, details: "internal" });
  });
  await expect(prove(target)).rejects.toMatchObject({ reason: "GrpcFailed" });
});

test("a certificate that istiod's root did not sign is refused", async () => {
  const target = await start((request, stream) => answer(request, stream));
  const identity = await issueIdentity(await createTestRoot("other"));
  const failure: unknown = await prove({ ...target, identity }).catch((error: unknown) => error);
  expect(failure instanceof ProofFailure && failure.reason).toMatch(
    /^(ClientCertificateRefused|Connection(Reset|Broke))$/,
  );
  await target.edge.drained();
});

test("a long-lived stream shows later changes, and its close is no end", async () => {
  const streams: TestStream[] = [];
  const target = await start((request, stream) => {
    if (request.node !== undefined) streams.push(stream);
    answer(request, stream);
  });
  const responses: DiscoveryResponse[] = [];
  const ends: StreamEnd[] = [];
  const arrivals = [3, 2].map((count) => ({ count, ...Promise.withResolvers<void>() }));
  const opened = await openDiscoveryStream({
    ...target,
    node,
    onResponse: (response) => {
      responses.push(response);
      for (const { count, resolve } of arrivals) if (responses.length === count) resolve();
    },
    onEnd: (end) => ends.push(end),
    signal: never,
  });
  await arrivals[1]?.promise;
  expect(await opened.ping()).toBeGreaterThan(0);
  streams[0]?.send({
    typeUrl: clusterType,
    versionInfo: "v2",
    nonce: "n2",
    resources: [createResource(clusterType, "new")],
  });
  await arrivals[0]?.promise;
  expect(responses.map(({ versionInfo, resourceNames }) => [versionInfo, resourceNames])).toEqual([
    ["v1", ["first", "second"]],
    ["v1", ["first", "second"]],
    ["v2", ["new"]],
  ]);
  await Promise.all([opened.close(), opened.close()]);
  expect(target.edge.openConnections()).toBe(0);
  expect(ends).toEqual([]);
});

test("the end of a long-lived stream is told once, and leaves nothing open", async () => {
  const target = await start((request, stream) => answer(request, stream));
  const ended = Promise.withResolvers<StreamEnd>();
  let count = 0;
  const answered = Promise.withResolvers<void>();
  const opened = await openDiscoveryStream({
    ...target,
    node,
    onResponse: ({ typeUrl }) => typeUrl === listenerType && answered.resolve(),
    onEnd: (end) => {
      count += 1;
      ended.resolve(end);
    },
    signal: never,
  });
  await answered.promise;
  target.edge.resetAll();
  expect(await ended.promise).toMatchObject({ kind: "broken" });
  await opened.close();
  await expect(opened.ping()).rejects.toThrow("connection closed");
  expect(count).toBe(1);
});
