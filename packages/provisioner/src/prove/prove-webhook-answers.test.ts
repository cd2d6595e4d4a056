import { createServer } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import type { WebhookTarget } from "./admission-review.ts";
import { proveInjectionAnswer, proveValidationAnswer } from "./prove-webhook-answers.ts";
import { saying } from "./testing/matchers.ts";
import { listenOnLoopback, startEdge, type TestEdge } from "./testing/test-edge.ts";
import { createTestRoot } from "./testing/test-mesh.ts";
import { createInjection, createSidecar, startWebhookServer, type TestVerdict } from "./testing/test-webhook-server.ts";
import { withTimeLimit } from "./time-limit.ts";

const hostname = "r5.mesh.test";
const address = `${hostname}:15012`;
const expected = { revisionId: "r5", address };
const denied = { allowed: false, status: { message: "configuration is invalid: weight -20 < 0" } };

async function start(judge: TestVerdict, path: string): Promise<{ target: WebhookTarget; edge: TestEdge }> {
  const root = await createTestRoot();
  const edge = await startEdge(await startWebhookServer(root, hostname, judge));
  const common = { hostname, addresses: ["127.0.0.1"], rootCertificates: root.certificate };
  return { target: { endpoint: { ...common, port: edge.port, protocol: "http/1.1" }, path }, edge };
}

function proveValidator(target: WebhookTarget, limitMs = 5_000) {
  return withTimeLimit(limitMs, undefined, (signal) => proveValidationAnswer(target, "r5", signal));
}

function proveInjector(target: WebhookTarget) {
  return withTimeLimit(5_000, undefined, (signal) => proveInjectionAnswer(target, expected, signal));
}

/** istiod's judgement about a VirtualService, by its weight. */
const judgeRightly: TestVerdict = (_path, { object }) =>
  JSON.stringify(object).includes('"weight":-20') ? denied : { allowed: true };

test("the validator is asked as an API server asks, about the revision's objects, and its connections are closed", async () => {
  const asked: unknown[] = [];
  const { target, edge } = await start((path, review) => {
    asked.push([path, review.resource, review.object.metadata.labels]);
    return judgeRightly(path, review);
  }, "/validate");
  expect(await proveValidator(target)).toMatchObject({ details: { said: denied.status.message } });
  const resource = { group: "networking.istio.io", version: "v1beta1", resource: "virtualservices" };
  const call = ["/validate", resource, { "istio.io/rev": "r5" }];
  expect(asked).toEqual([call, call]);
  await edge.drained();
});

test.for<[string, TestVerdict, string, string]>([
  ["allows everything", () => ({ allowed: true }), "OtherWords", "nothing against an invalid"],
  ["refuses everything", () => denied, "OtherWords", "refuses a valid VirtualService"],
  [
    "says something else",
    () => ({ allowed: false, status: { message: "no" } }),
    "OtherWords",
    "not for its wrong weight",
  ],
  ["is not there", () => 404, "BadAnswer", "HTTP 404"],
  ["answers another question", () => ({ ...denied, uid: "another" }), "BadAnswer", "as an admission webhook does"],
])("a validator that %s", async ([, judge, reason, words]) => {
  const { target } = await start(judge, "/validate");
  await expect(proveValidator(target)).rejects.toMatchObject({
    reason,
    message: saying(words),
  });
});

test("a validator that never answers, and one whose connection breaks", async () => {
  const silent = await start(() => undefined, "/validate");
  await expect(proveValidator(silent.target, 200)).rejects.toMatchObject({ reason: "NoAnswer" });
  await silent.edge.drained();
  const breaking = await start(() => {
    breaking.edge.resetAll();
    return undefined;
  }, "/validate");
  await expect(proveValidator(breaking.target)).rejects.toMatchObject({ reason: "ConnectionBroke" });
});

test("a TLS port that does not speak HTTP", async () => {
  const root = await createTestRoot();
  const { certificate, key } = await root.issueServer(hostname);
  const server = createServer({ cert: certificate, key }, (socket) => socket.end("SSH-2.0-x\r\n"));
  onTestFinished(() => {
    server.close();
  });
  const port = await listenOnLoopback(server);
  const common = { hostname, addresses: ["127.0.0.1"], rootCertificates: root.certificate };
  const target = { endpoint: { ...common, port, protocol: "http/1.1" as const }, path: "/validate" };
  await expect(proveValidator(target)).rejects.toMatchObject({ reason: "BadAnswer" });
});

test.for([true, false])("the injector gives the sidecar (native: %s)", async (native) => {
  const { target, edge } = await start(
    (path, { resource }) =>
      path === "/inject/cluster/shop" && resource.resource === "pods"
        ? createInjection(createSidecar(address), "r5", native)
        : 404,
    "/inject/cluster/shop",
  );
  expect(await proveInjector(target)).toMatchObject({
    details: { discoveryAddress: address, caAddress: address, nativeSidecar: native, revision: "r5" },
  });
  await edge.drained();
});

const istiodService = "istiod-r5.istio-system.svc:15012";

test.for<[string, TestVerdict, string]>([
  ["lets the pod pass as it is", () => ({ allowed: true }), "NotInjected"],
  ["refuses the pod", () => ({ allowed: false, status: { message: "template" } }), "OtherWords"],
  ["answers for another revision", () => createInjection(createSidecar(address), "r6", true), "WrongRevision"],
  [
    "names the cluster's own istiod",
    () => createInjection(createSidecar(istiodService), "r5", true),
    "WrongDiscoveryAddress",
  ],
  [
    "names no istiod",
    () => createInjection(createSidecar(address, { PROXY_CONFIG: "{}" }), "r5", true),
    "WrongDiscoveryAddress",
  ],
  [
    "names another CA",
    () => createInjection(createSidecar(address, { CA_ADDR: istiodService }), "r5", true),
    "WrongCaAddress",
  ],
  ["sends a broken patch", () => ({ allowed: true, patch: "bm9uc2Vuc2U=" }), "BadAnswer"],
])("an injector that %s", async ([, judge, reason]) => {
  const { target } = await start(judge, "/inject");
  await expect(proveInjector(target)).rejects.toMatchObject({ reason });
});
