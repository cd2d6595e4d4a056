import { expect, test } from "vitest";
import { proveAdmission } from "./prove-admission.ts";
import { proveInjection } from "./prove-injection.ts";
import { refuse, startApiServer, type TestAnswer, type TestCall } from "./testing/test-api-server.ts";
import { createSidecar } from "./testing/test-webhook-server.ts";
import { withTimeLimit } from "./time-limit.ts";

const revision = { id: "r5", hostname: "r5.mesh.test" };
const address = "r5.mesh.test:15012";
const validator = "rev.validation.istio.io";
const injector = "rev.object.sidecar-injector.istio.io";

async function admission(answer: TestAnswer, limitMs = 5_000) {
  const { client, calls } = await startApiServer(answer);
  const outcome = withTimeLimit(limitMs, undefined, (signal) => proveAdmission(client, revision, signal));
  return { outcome, calls };
}

async function injection(answer: TestAnswer) {
  const { client, calls } = await startApiServer(answer);
  const outcome = withTimeLimit(5_000, undefined, (signal) => proveInjection(client, revision, 15_012, signal));
  return { outcome, calls };
}

/** The API server stores what it is asked to create, and has these webhooks. */
function accept(webhooks: object[]): TestAnswer {
  return (call) =>
    call.method === "POST" ? { status: 201, body: call.body } : { body: { items: webhooks.map(asConfiguration) } };
}

function asConfiguration(webhook: object) {
  return { metadata: { name: "hooks" }, webhooks: [webhook] };
}

test("istiod's refusal of the wrong weight is the proof; the write is a dry run of the revision", async () => {
  const { outcome, calls } = await admission(() =>
    refuse(400, `admission webhook "${validator}" denied the request: configuration is invalid: weight -20 < 0`),
  );
  expect(await outcome).toMatchObject({
    details: { webhook: validator, said: "configuration is invalid: weight -20 < 0" },
  });
  expect(calls).toMatchObject([
    {
      method: "POST",
      path: "/apis/networking.istio.io/v1beta1/namespaces/pilothouse-probe/virtualservices",
      body: { apiVersion: "networking.istio.io/v1beta1", metadata: { labels: { "istio.io/rev": "r5" } } },
    },
  ]);
  expect(calls[0]?.query.get("dryRun")).toBe("All");
});

/** As real API servers (1.34) say it. */
const callFailed = (cause: string, webhook = validator) =>
  refuse(500, `Internal error occurred: failed calling webhook "${webhook}": failed to call webhook: ${cause}`);
const post = 'Post "https://r5.mesh.test:443/validate?timeout=10s": ';

test.for<[string, ReturnType<typeof refuse>, string]>([
  [
    "another webhook",
    refuse(403, 'admission webhook "policy.example.com" denied the request: no'),
    "OtherWebhookRefused",
  ],
  ["other words", refuse(400, `admission webhook "${validator}" denied the request: unrecognized type`), "OtherWords"],
  [
    "its schema",
    refuse(422, 'VirtualService.networking.istio.io "x" is invalid: spec.http[0].route[0].weight: Invalid value'),
    "SchemaRefused",
  ],
  [
    "a policy",
    refuse(422, "ValidatingAdmissionPolicy 'strict' with binding 'all' denied request: no"),
    "AdmissionPluginRefused",
  ],
  [
    "its rights",
    refuse(403, 'virtualservices.networking.istio.io is forbidden: User "x" cannot create resource'),
    "ProbeForbidden",
  ],
  ["a missing namespace", refuse(404, 'namespaces "pilothouse-probe" not found'), "ProbeNamespaceMissing"],
  [
    "a namespace that goes away",
    refuse(
      403,
      'virtualservices "x" is forbidden: unable to create new content in namespace pilothouse-probe because it is being terminated',
    ),
    "ProbeNamespaceMissing",
  ],
  ["a fault", refuse(500, "etcdserver: request timed out"), "MeshApiUnavailable"],
  ["a refused connection", callFailed(`${post}dial tcp 192.0.2.7:443: connect: connection refused`), "WebhookRefused"],
  ["no way there", callFailed(`${post}dial tcp 192.0.2.7:443: connect: no route to host`), "WebhookUnreachable"],
  [
    "a reset connection",
    callFailed(`${post}read tcp 10.0.0.1:57274->192.0.2.7:443: read: connection reset by peer`),
    "WebhookReset",
  ],
  ["an ended connection", callFailed(`${post}EOF`), "WebhookReset"],
  [
    "an unknown authority",
    callFailed(`${post}tls: failed to verify certificate: x509: certificate signed by unknown authority`),
    "WebhookUntrusted",
  ],
  [
    "a wrong name",
    callFailed(
      `${post}tls: failed to verify certificate: x509: certificate is valid for istiod.istio-system.svc, not r5.mesh.test`,
    ),
    "WebhookNameMismatch",
  ],
  [
    "an expired certificate",
    callFailed(
      `${post}tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time`,
    ),
    "WebhookCertificateExpired",
  ],
  ["a timeout", callFailed(`${post}context deadline exceeded`), "WebhookTimeout"],
  [
    "an unknown name",
    callFailed(`${post}dial tcp: lookup r5.mesh.test on 10.0.0.10:53: no such host`),
    "WebhookNameNotFound",
  ],
  [
    "a broken resolver",
    callFailed(`${post}dial tcp: lookup r5.mesh.test on 10.0.0.10:53: server misbehaving`),
    "WebhookResolverFailed",
  ],
  ["a silent resolver", callFailed(`${post}dial tcp: lookup r5.mesh.test: i/o timeout`), "WebhookResolverFailed"],
  ["a wrong path", callFailed("the server could not find the requested resource"), "WebhookBadAnswer"],
  ["plain HTTP", callFailed(`${post}http: server gave HTTP response to HTTPS client`), "WebhookBadAnswer"],
  ["something new", callFailed("the moon is full"), "WebhookFailed"],
  [
    "another webhook that fails",
    callFailed('Post "https://policy.example.com/": EOF', "policy.example.com"),
    "OtherWebhookRefused",
  ],
])("admission is in the way of %s", async ([, refusal, reason]) => {
  const { outcome } = await admission(() => refusal);
  const failure: unknown = await outcome.catch((error: unknown) => error);
  expect(failure).toMatchObject({ reason });
  // A condition's message: nothing in it changes from one try to the next.
  expect(String(failure)).not.toMatch(/57274|timeout=|current time/);
});

test.for([
  ["no webhook of the revision", [], "WebhookAbsent"],
  ["a webhook that is open on failure", [{ failurePolicy: "Ignore" }], "WebhookFailsOpen"],
  ["a webhook that should have taken part", [{ failurePolicy: "Fail" }], "NotRefused"],
] as const)("an invalid object is accepted with %s", async ([, webhooks, reason]) => {
  const { outcome, calls } = await admission(accept([...webhooks]));
  await expect(outcome).rejects.toMatchObject({ reason });
  expect(calls.at(-1)?.path).toBe("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations");
  expect(calls.at(-1)?.query.get("labelSelector")).toBe("istio.io/rev=r5");
});

test("an invalid object is accepted and the webhooks may not be looked at", async () => {
  const { outcome } = await admission((call) =>
    call.method === "POST" ? { status: 201, body: call.body } : refuse(403, "forbidden"),
  );
  await expect(outcome).rejects.toMatchObject({ reason: "NotRefused" });
});

test("an object that exists got past admission", async () => {
  const exists = { status: 409, body: { reason: "AlreadyExists", message: "already exists" } };
  const { outcome } = await admission((call) => (call.method === "POST" ? exists : { body: { items: [] } }));
  await expect(outcome).rejects.toMatchObject({ reason: "WebhookAbsent" });
});

test("an API server that never answers", async () => {
  const { outcome } = await admission(() => undefined, 200);
  await expect(outcome).rejects.toMatchObject({ reason: "MeshApiUnavailable" });
});

test("a mesh cluster without Istio's kinds", async () => {
  const { client } = await startApiServer(() => undefined, { withoutIstio: true });
  const outcome = withTimeLimit(5_000, undefined, (signal) => proveAdmission(client, revision, signal));
  await expect(outcome).rejects.toMatchObject({ reason: "KindMissing" });
});

/** What comes back for the probe pod. */
function returnPod(containers: object[], initContainers: object[] = [], revisionId = "r5"): TestAnswer {
  return (call) => {
    if (call.method !== "POST") return { body: { items: [asConfiguration({ failurePolicy: "Fail" })] } };
    const annotations = { "sidecar.istio.io/status": JSON.stringify({ revision: revisionId }) };
    const metadata = { name: "pilothouse-probe-r5", namespace: "pilothouse-probe", annotations };
    return { status: 201, body: { apiVersion: "v1", kind: "Pod", metadata, spec: { containers, initContainers } } };
  };
}

const app = { name: "app" };

test.for<[boolean, object[], object[]]>([
  [false, [app, createSidecar(address)], []],
  [true, [app], [createSidecar(address)]],
])("a pod with a sidecar (native: %s) is the proof", async ([nativeSidecar, containers, initContainers]) => {
  const { outcome, calls } = await injection(returnPod(containers, initContainers));
  expect(await outcome).toMatchObject({ details: { nativeSidecar, discoveryAddress: address } });
  const [call]: (TestCall | undefined)[] = calls;
  expect(call?.path).toBe("/api/v1/namespaces/pilothouse-probe/pods");
  expect(call?.query.get("dryRun")).toBe("All");
});

const elsewhere = "istiod.istio-system.svc:15012";

test.for<[string, TestAnswer, string]>([
  ["without a sidecar", returnPod([app]), "NotInjected"],
  ["with another revision's sidecar", returnPod([app, createSidecar(address)], [], "r6"), "WrongRevision"],
  ["that would ask elsewhere", returnPod([createSidecar(elsewhere)]), "WrongDiscoveryAddress"],
  [
    "that would get certificates elsewhere",
    returnPod([createSidecar(address, { CA_ADDR: elsewhere })]),
    "WrongCaAddress",
  ],
  ["without a webhook", accept([]), "WebhookAbsent"],
  ["past an open webhook", accept([{ failurePolicy: "Ignore" }]), "WebhookFailsOpen"],
  [
    "refused by istiod",
    () => refuse(400, `admission webhook "${injector}" denied the request: template`),
    "OtherWords",
  ],
  [
    "refused by another webhook",
    () => refuse(403, 'admission webhook "policy.example.com" denied the request: no'),
    "OtherWebhookRefused",
  ],
  [
    "refused by Pod Security",
    () => refuse(403, 'pods "x" is forbidden: violates PodSecurity "restricted:latest": no'),
    "AdmissionPluginRefused",
  ],
  ["refused by a quota", () => refuse(403, 'pods "x" is forbidden: exceeded quota: q'), "AdmissionPluginRefused"],
  [
    "without its account",
    () =>
      refuse(
        403,
        'pods "x" is forbidden: error looking up service account pilothouse-probe/pilothouse-probe: serviceaccount "pilothouse-probe" not found',
      ),
    "ProbeAccountMissing",
  ],
  ["while istiod is away", () => callFailed(`${post}EOF`, injector), "WebhookReset"],
])("a pod %s", async ([, answer, reason]) => {
  const { outcome } = await injection(answer);
  await expect(outcome).rejects.toMatchObject({ reason });
});
