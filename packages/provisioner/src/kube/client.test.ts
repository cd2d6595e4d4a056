import { createServer as createHttpServer } from "node:http";
import type { ServerOptions } from "node:https";
import { createServer as createTcpServer } from "node:net";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { createDeadline } from "../deadline.ts";
import { createTestAuthority } from "../kubeconfig/test-certificates.ts";
import type { IssuedCertificate, TestAuthority } from "../kubeconfig/test-certificates.ts";
import type { ClusterAccess } from "../types.ts";
import { createKubeClient } from "./client.ts";
import { listenForTest, respond, startTestServer } from "./test-server.ts";
import type { Answer } from "./test-server.ts";
import type { TransportOptions } from "./transport.ts";
import type { KubeClient, KubeObject } from "./types.ts";

let authority: TestAuthority;
let serverCertificate: IssuedCertificate;
const token = "opaque-secret-token-of-this-test";

beforeAll(async () => {
  authority = await createTestAuthority("test");
  serverCertificate = await authority.issue({
    commonName: "server",
    ipAddresses: ["127.0.0.1"],
    dnsNames: ["kubernetes"],
  });
});

function startServer(answer: Answer, tls: ServerOptions = {}) {
  return startTestServer(serverCertificate, answer, tls);
}

function connect(
  server: string,
  access: Partial<ClusterAccess> = {},
  options: Partial<TransportOptions> = {},
): KubeClient {
  const client = createKubeClient(
    { server, certificateAuthority: authority.certificate, credential: { token }, ...access },
    { deadline: createDeadline(5_000), callTimeoutMs: 2_000, ...options },
  );
  onTestFinished(() => client.close());
  return client;
}

const configMap: KubeObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", namespace: "n" },
  data: { k: "v" },
};
const namespaceRef = { apiVersion: "v1", kind: "Namespace", name: "a" };

test("each verb is the request the Kubernetes API defines, and a built-in kind is not asked for", async () => {
  const { url, seen } = await startServer((entry, response) =>
    respond(response, 200, entry.method === "DELETE" ? {} : configMap),
  );
  const client = connect(url);
  await client.create(configMap, { dryRun: true });
  await client.apply(configMap);
  await client.get({ apiVersion: "v1", kind: "ConfigMap", name: "a", namespace: "n" });
  await client.delete(
    { apiVersion: "v1", kind: "ConfigMap", name: "a", namespace: "n" },
    { uid: "u", propagation: "Background" },
  );

  const limit = /[?&]timeout=\d+ms$/;
  expect(seen.map((entry) => `${entry.method} ${entry.url.replace(limit, "")}`)).toEqual([
    "POST /api/v1/namespaces/n/configmaps?fieldManager=pilothouse&dryRun=All",
    "PATCH /api/v1/namespaces/n/configmaps/a?fieldManager=pilothouse&force=true",
    "GET /api/v1/namespaces/n/configmaps/a",
    "DELETE /api/v1/namespaces/n/configmaps/a",
  ]);
  expect(seen.map((entry) => limit.test(entry.url))).toEqual([true, true, false, true]);
  expect(seen[1]).toMatchObject({
    contentType: "application/apply-patch+yaml",
    body: configMap,
    authorization: `Bearer ${token}`,
  });
  expect(seen[3]?.body).toMatchObject({ preconditions: { uid: "u" }, propagationPolicy: "Background" });
});

test("where other kinds are served is asked once", async () => {
  const widget = { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "w" } };
  const { url, seen } = await startServer((entry, response) =>
    respond(
      response,
      200,
      entry.url === "/apis/example.com/v1"
        ? { resources: [{ name: "widgets", kind: "Widget", namespaced: false }] }
        : widget,
    ),
  );
  const client = connect(url);
  await client.get({ ...widget, name: "w" });
  await client.get({ ...widget, name: "w" });
  expect(seen.map((entry) => entry.url)).toEqual([
    "/apis/example.com/v1",
    "/apis/example.com/v1/widgets/w",
    "/apis/example.com/v1/widgets/w",
  ]);
});

test("a list is read page by page, and its items get the kind that lists leave out", async () => {
  const { url, seen } = await startServer((entry, response) => {
    const isSecond = entry.url.includes("continue=more");
    respond(response, 200, {
      metadata: isSecond ? {} : { continue: "more" },
      items: [{ metadata: { name: isSecond ? "b" : "a" } }],
    });
  });
  const found = await connect(url).list({ apiVersion: "v1", kind: "Namespace" }, { labelSelector: "x=y" });
  expect(found).toEqual([
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "a" } },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "b" } },
  ]);
  expect(seen[0]?.url).toBe("/api/v1/namespaces?limit=500&labelSelector=x%3Dy");
});

test("of a list, the metadata alone is asked for in the form that the server keeps the rest back in", async () => {
  const { url, seen } = await startServer((_entry, response) =>
    respond(response, 200, {
      kind: "PartialObjectMetadataList",
      metadata: {},
      items: [{ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: { name: "a" } }],
    }),
  );
  const found = await connect(url).listMetadata({ apiVersion: "v1", kind: "Namespace" });
  expect(found.map(({ metadata }) => metadata.name)).toEqual(["a"]);
  expect(seen[0]?.accept).toBe("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
});

test("all that is served is read in one call; an older server's list of groups is no answer to that", async () => {
  const group = { metadata: { name: "networking.istio.io" } };
  const versions = [{ version: "v1", resources: [{ resource: "sidecars" }, { resource: "gateways" }] }];
  let answer: object = {
    kind: "APIGroupDiscoveryList",
    items: [{ ...group, versions }, { metadata: { name: "empty" } }],
  };
  const { url, seen } = await startServer((_entry, response) => respond(response, 200, answer));
  const client = connect(url);
  expect([...((await client.listServed()) ?? [])]).toEqual([
    "networking.istio.io/v1/sidecars",
    "networking.istio.io/v1/gateways",
  ]);
  expect(seen.map((entry) => entry.url)).toEqual(["/apis"]);
  expect(seen[0]?.accept).toMatch(/^application\/json;as=APIGroupDiscoveryList;g=apidiscovery\.k8s\.io;v=v2,/);
  answer = { kind: "APIGroupList", groups: [{ name: "networking.istio.io" }] };
  expect(await client.listServed()).toBeUndefined();
});

test("a list that goes on for ever is given up before it fills the memory", async () => {
  const ballast = "x".repeat(20 * 1024 * 1024);
  const { url, seen } = await startServer((_entry, response) =>
    respond(response, 200, { metadata: { continue: "more" }, items: [{ metadata: { name: "a" } }], ballast }),
  );
  await expect(connect(url).list({ apiVersion: "v1", kind: "Namespace" })).rejects.toMatchObject({
    code: "AnswerTooLarge",
  });
  expect(seen.filter(({ url: path }) => path.includes("limit="))).toHaveLength(4);
});

test("what is not there is undefined, an empty list, or false; a kind that isn't served can't be written", async () => {
  const { url } = await startServer((_entry, response) => respond(response, 404, { message: "no" }));
  const client = connect(url);
  const widget = { apiVersion: "example.com/v1", kind: "Widget" };
  expect(await client.get(namespaceRef)).toBeUndefined();
  expect(await client.get({ ...widget, name: "w" })).toBeUndefined();
  expect(await client.list(widget)).toEqual([]);
  expect(await client.delete(namespaceRef)).toBe(false);
  expect(await client.delete({ ...widget, name: "w" })).toBe(false);
  await expect(client.apply({ ...widget, metadata: { name: "w" } })).rejects.toMatchObject({
    kind: "notReady",
    code: "KindNotServed",
  });
});

test("a delete tells another object of the same name from a conflict", async () => {
  let message = "Precondition failed: UID in precondition: u, UID in object meta: v";
  const { url } = await startServer((_entry, response) => respond(response, 409, { reason: "Conflict", message }));
  const client = connect(url);
  expect(await client.delete(namespaceRef, { uid: "u" })).toBe(false);
  message =
    "The system is ensuring all content is removed from this namespace. Upon completion, this namespace will automatically be purged by the system.";
  expect(await client.delete(namespaceRef)).toBe(true);
  message = "object was modified";
  await expect(client.delete(namespaceRef)).rejects.toMatchObject({ kind: "transient", code: "Conflict" });
});

test.for([
  [400, "Invalid", "user", {}],
  [401, "Unauthorized", "user", {}],
  [403, "Forbidden", "user", {}],
  [404, "NotFound", "notReady", {}],
  [409, "AlreadyExists", "transient", { reason: "AlreadyExists" }],
  [409, "Conflict", "transient", { reason: "Conflict" }],
  [410, "Expired", "transient", {}],
  [422, "Invalid", "user", {}],
  [429, "TooManyRequests", "transient", {}],
  [500, "ServerFailed", "transient", {}],
  [503, "ServerFailed", "transient", {}],
  [302, "UnexpectedStatus", "unknown", {}],
  [418, "UnexpectedStatus", "unknown", {}],
  [
    400,
    "AdmissionDenied",
    "user",
    { message: 'admission webhook "validation.istio.io" denied the request: weight -20 < 0' },
  ],
  [
    500,
    "AdmissionUnavailable",
    "transient",
    { message: 'Internal error occurred: failed calling webhook "x": connection refused' },
  ],
] as const)("HTTP %i is %s (%s)", async ([status, code, kind, body]) => {
  const { url } = await startServer((_entry, response) =>
    respond(response, status, { message: `said ${token}`, ...body }),
  );
  const failure = connect(url).create(configMap);
  await expect(failure).rejects.toMatchObject({ kind, code });
  const message = await failure.catch((error: unknown) => String(error));
  expect(message).toContain(url);
  expect(message).toContain("create ConfigMap n/a");
  expect(message).not.toContain(token);
  expect(message).toContain("message" in body ? body.message : "said [token]");
});

test("a server of another authority, another name, or without TLS is told apart", async () => {
  const { url } = await startServer((_entry, response) => respond(response, 200, configMap));
  const other = await createTestAuthority("other");
  await expect(connect(url, { certificateAuthority: other.certificate }).get(namespaceRef)).rejects.toMatchObject({
    kind: "user",
    code: "UntrustedCertificate",
  });
  await expect(connect(url, { tlsServerName: "elsewhere" }).get(namespaceRef)).rejects.toMatchObject({
    kind: "user",
    code: "CertificateNameMismatch",
  });
  expect(await connect(url, { tlsServerName: "kubernetes" }).get(namespaceRef)).toMatchObject({ kind: "ConfigMap" });
  expect(await connect(url, { tlsServerName: "127.0.0.1" }).get(namespaceRef)).toMatchObject({ kind: "ConfigMap" });

  const plain = createHttpServer((_request, response) => response.end("hello"));
  const plainUrl = await listenForTest(plain);
  await expect(connect(plainUrl).get(namespaceRef)).rejects.toMatchObject({ kind: "user", code: "NotTls" });
});

test("a client certificate is shown to a server that asks for one", async () => {
  const { url } = await startServer((_entry, response) => respond(response, 200, configMap), {
    requestCert: true,
    rejectUnauthorized: true,
    ca: authority.certificate,
  });
  const own = await authority.issue({ commonName: "admin" });
  const login = (issued: IssuedCertificate) =>
    connect(url, { credential: { clientCertificate: issued.certificate, clientKey: issued.key } });
  expect(await login(own).get(namespaceRef)).toMatchObject({ kind: "ConfigMap" });
});

test("a server that is away, closes early, or answers no JSON", async () => {
  const closing = await listenForTest(createTcpServer((socket) => socket.destroy()));
  await expect(connect(closing).get(namespaceRef)).rejects.toMatchObject({ kind: "transient", code: "ConnectionLost" });

  const gone = await startServer((_entry, response) => response.end());
  gone.server.close();
  gone.server.closeAllConnections();
  await expect(connect(gone.url).get(namespaceRef)).rejects.toMatchObject({
    kind: "transient",
    code: "ServerUnreachable",
  });

  const { url } = await startServer((_entry, response) => response.end("<html>"));
  await expect(connect(url).get(namespaceRef)).rejects.toMatchObject({ kind: "unknown", code: "NotJson" });
});

test("an answer that does not come ends the call after its time, or when it is aborted", async () => {
  const { url } = await startServer(() => undefined);
  const started = performance.now();
  await expect(connect(url, {}, { callTimeoutMs: 200 }).get(namespaceRef)).rejects.toMatchObject({
    kind: "transient",
    code: "CallTimeout",
  });
  expect(performance.now() - started).toBeLessThan(1_500);

  const controller = new AbortController();
  const pending = connect(url, {}, { signal: controller.signal }).get(namespaceRef);
  setTimeout(() => controller.abort(), 100);
  await expect(pending).rejects.toMatchObject({ kind: "transient", code: "Aborted" });
});

test("a connection that is never accepted ends the call after its time", async () => {
  const silent = await listenForTest(createTcpServer(() => undefined));
  await expect(connect(silent, {}, { callTimeoutMs: 200 }).get(namespaceRef)).rejects.toMatchObject({
    kind: "transient",
    code: "CallTimeout",
  });
});

test("nothing is sent after the deadline, by whichever clock it passed", async () => {
  const { url, seen } = await startServer((_entry, response) => respond(response, 200, configMap));
  for (const jump of [
    { monotonicMs: 60_000, wallMs: 0 },
    { monotonicMs: 0, wallMs: 60_000 },
  ]) {
    const shift = { monotonicMs: 0, wallMs: 0 };
    const deadline = createDeadline(50_000, {
      monotonicMs: () => performance.now() + shift.monotonicMs,
      wallMs: () => Date.now() + shift.wallMs,
    });
    const client = connect(url, {}, { deadline });
    await client.apply(configMap);
    const before = seen.length;
    Object.assign(shift, jump);
    await expect(client.apply(configMap)).rejects.toMatchObject({ kind: "transient", code: "DeadlinePassed" });
    expect(seen.length).toBe(before);
  }
});

test("connections go only to addresses that were checked for them", async () => {
  const { url, seen } = await startServer((_entry, response) => respond(response, 200, configMap));
  const named = url.replace("127.0.0.1", "kubernetes");
  const asked: string[] = [];
  const checkAddress = async (host: string) => {
    asked.push(host);
    return [{ address: "127.0.0.1", family: 4 }];
  };
  await connect(named, {}, { checkAddress }).get(namespaceRef);
  expect(asked).toEqual(["kubernetes"]);
  expect(seen.length).toBe(1);

  const refuse = async () => {
    throw new Error("refused");
  };
  await expect(connect(url, {}, { checkAddress: refuse }).get(namespaceRef)).rejects.toMatchObject({
    kind: "transient",
  });
  expect(seen.length).toBe(1);
});

test("clients that share connections use each other's, and closing one ends its own calls alone", async () => {
  const sockets = new Set<unknown>();
  const waiting: (() => void)[] = [];
  const { url } = await startServer((entry, response, request) => {
    sockets.add(request.socket);
    if (entry.url.includes("/slow/")) waiting.push(() => respond(response, 200, configMap));
    else respond(response, 200, configMap);
  });
  const open = () => connect(url, {}, { sharesConnections: true });
  const first = open();
  await first.get(namespaceRef);
  await first.close();
  const [second, third] = [open(), open()];
  await second.get(namespaceRef);
  expect(sockets.size).toBe(1);

  const slow = { apiVersion: "v1", kind: "ConfigMap", namespace: "slow", name: "a" };
  const ended = second.get(slow);
  const going = third.get(slow);
  await expect.poll(() => waiting.length).toBe(2);
  await second.close();
  await expect(ended).rejects.toMatchObject({ code: "ClientClosed" });
  for (const answer of waiting) answer();
  await expect(going).resolves.toMatchObject({ kind: "ConfigMap" });
  await expect(first.get(namespaceRef)).rejects.toMatchObject({ code: "ClientClosed" });
});

test("a few requests wait for one handshake; then each gets a connection of its own, four at the most", async () => {
  const sockets = new Set<unknown>();
  const waiting: (() => void)[] = [];
  const { url } = await startServer((entry, response, request) => {
    sockets.add(request.socket);
    if (entry.url.includes("/slow/")) waiting.push(() => respond(response, 200, configMap));
    else respond(response, 200, configMap);
  });
  const client = connect(url);
  await Promise.all(Array.from({ length: 4 }, () => client.get(namespaceRef)));
  expect(sockets.size).toBe(1);

  const slow = { apiVersion: "v1", kind: "ConfigMap", namespace: "slow", name: "a" };
  const first = client.get(slow);
  await expect.poll(() => waiting.length).toBe(1);
  const more = Array.from({ length: 12 }, () => client.get(slow));
  await expect.poll(() => waiting.length).toBe(4);
  for (let answered = 0; answered < 13; answered += 1) {
    await expect.poll(() => waiting.length).toBeGreaterThan(answered);
    waiting[answered]?.();
  }
  await Promise.all([first, ...more]);
  expect(sockets.size).toBe(4);
});

test("a delete, whose options are a body, leaves its connection to the next call", async () => {
  const sockets = new Set<unknown>();
  const { url, seen } = await startServer((_entry, response, request) => {
    sockets.add(request.socket);
    respond(response, 200, configMap);
  });
  const client = connect(url);
  for (const name of ["a", "b", "c"])
    await client.delete({ apiVersion: "v1", kind: "ConfigMap", namespace: "n", name });
  await client.get(namespaceRef);
  expect(seen.filter(({ method, body }) => method === "DELETE" && body !== undefined)).toHaveLength(3);
  expect(sockets.size).toBe(1);
});

test("connections whose addresses are checked are shared by those with the same check, and each is checked when it is opened", async () => {
  const sockets = new Set<unknown>();
  const { url } = await startServer((_entry, response, request) => {
    sockets.add(request.socket);
    respond(response, 200, configMap);
  });
  let checks = 0;
  const createCheck = () => () => {
    checks += 1;
    return Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
  };
  const checkAddress = createCheck();
  const ended = createDeadline(1_000);
  const first = createKubeClient(
    { server: url, certificateAuthority: authority.certificate, credential: { token } },
    { deadline: ended, sharesConnections: true, checkAddress },
  );
  await first.get(namespaceRef);
  await first.close();
  const second = connect(url, {}, { sharesConnections: true, checkAddress });
  await second.get(namespaceRef);
  expect([checks, sockets.size]).toEqual([1, 1]);
  const other = connect(url, {}, { sharesConnections: true, checkAddress: createCheck() });
  await other.get(namespaceRef);
  expect([checks, sockets.size]).toEqual([2, 2]);
});

test("calls that hang keep others waiting for a second at the most", async () => {
  const waiting: (() => void)[] = [];
  const { url } = await startServer((entry, response) => {
    if (entry.url.includes("/slow/")) waiting.push(() => respond(response, 200, configMap));
    else respond(response, 200, configMap);
  });
  const client = connect(url, {}, { callTimeoutMs: 4_000 });
  const slow = { apiVersion: "v1", kind: "ConfigMap", namespace: "slow", name: "a" };
  const hanging: Promise<unknown>[] = [];
  for (let count = 1; count <= 4; count += 1) {
    hanging.push(client.get(slow));
    await expect.poll(() => waiting.length).toBe(count);
  }
  await new Promise((resolve) => {
    setTimeout(resolve, 1_050);
  });
  await client.get(namespaceRef);
  for (const answer of waiting) answer();
  await Promise.all(hanging);
});

test("a kind that Istio's definitions serve is looked up only when the server does not know it", async () => {
  let isServed = true;
  const { url, seen } = await startServer((entry, response) => {
    if (entry.method === "POST" && isServed) respond(response, 201, virtualService);
    else if (entry.method === "GET" && isServed) respond(response, 200, { resources: [] });
    else
      respond(response, 404, {
        kind: "Status",
        code: 404,
        reason: "NotFound",
        message: "the server could not find the requested resource",
      });
  });
  const virtualService = {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "VirtualService",
    metadata: { name: "a", namespace: "n" },
  };
  const client = connect(url);
  await client.create(virtualService, { dryRun: true });
  expect(seen.map(({ method }) => method)).toEqual(["POST"]);
  isServed = false;
  await expect(client.create(virtualService, { dryRun: true })).rejects.toMatchObject({ code: "KindNotServed" });
  expect(seen.map(({ method }) => method)).toEqual(["POST", "POST", "GET"]);
});
