import { createSecureServer, type Http2SecureServer } from "node:http2";
import { expect, onTestFinished, test } from "vitest";
import { requestWorkloadCertificate, type GrpcEndpoint } from "./prove-certificate.ts";
import { saying } from "./testing/matchers.ts";
import { refuse, startApiServer, type TestAnswer } from "./testing/test-api-server.ts";
import { listenOnLoopback, startEdge } from "./testing/test-edge.ts";
import {
  startIstiod,
  testHostname,
  type TestCertificateRequest,
  type TestIstiodBehaviour,
} from "./testing/test-istiod.ts";
import { createTestRoot, type TestAuthority } from "./testing/test-mesh.ts";
import { withTimeLimit } from "./time-limit.ts";

const spiffeId = "spiffe://cluster.local/ns/pilothouse-probe/sa/pilothouse-probe";

const grantToken: TestAnswer = () => ({
  status: 201,
  body: { status: { token: "token-of-the-probe", expirationTimestamp: "2026-01-01T00:00:00Z" } },
});

async function start(behaviour: TestIstiodBehaviour, root?: TestAuthority) {
  const istiod = await startIstiod(behaviour, root === undefined ? {} : { root });
  const edge = await startEdge(istiod.port);
  return { istiod, edge, endpoint: endpointAt(edge.port, istiod.root) };
}

function endpointAt(port: number, root: TestAuthority): GrpcEndpoint {
  return { hostname: testHostname, port, addresses: ["127.0.0.1"], rootCertificates: root.certificate };
}

async function request(endpoint: GrpcEndpoint, options: { answer?: TestAnswer; limitMs?: number } = {}) {
  const { client, calls } = await startApiServer(options.answer ?? grantToken);
  const issued = withTimeLimit(options.limitMs ?? 5_000, undefined, (signal) =>
    requestWorkloadCertificate({
      meshClient: client,
      endpoint,
      trustDomain: "cluster.local",
      lifetimeSeconds: 3_600,
      signal,
    }),
  );
  return { issued, calls };
}

test("the probe's token and a CSR become a certificate of the mesh, and the connection is closed", async () => {
  const root = await createTestRoot();
  const seen: TestCertificateRequest[] = [];
  const { edge, endpoint } = await start(
    {
      sign: async (asked) => {
        seen.push(asked);
        return [await root.signRequest(asked.csr, spiffeId), root.certificate];
      },
    },
    root,
  );
  const { issued, calls } = await request(endpoint);
  expect((await issued).details).toMatchObject({ spiffeId });
  expect(edge.openConnections()).toBe(0);
  expect(seen).toEqual([
    {
      csr: saying("BEGIN CERTIFICATE REQUEST"),
      validityDuration: 3_600,
      authorization: "Bearer token-of-the-probe",
    },
  ]);
  expect(calls).toMatchObject([
    {
      method: "POST",
      path: "/api/v1/namespaces/pilothouse-probe/serviceaccounts/pilothouse-probe/token",
      body: { spec: { audiences: ["istio-ca"], expirationSeconds: 600 } },
    },
  ]);
});

test.for([
  ["a token that istiod does not accept", { code: 16, details: "request authenticate failure" }, "Unauthenticated"],
  ["an istiod that is not ready", { code: 14, details: "server is not ready" }, "NotReady"],
  ["a CSR that the CA refuses", { code: 13, details: "CSR signing error" }, "GrpcFailed"],
  ["an identity that istiod refuses", { code: 7, details: "no" }, "IdentityRefused"],
  ["a rate limit", { code: 8, details: "slow down" }, "RateLimited"],
] as const)("%s", async ([, status, reason]) => {
  const { edge, endpoint } = await start({ sign: async () => status });
  const { issued } = await request(endpoint);
  const failure: unknown = await issued.catch((error: unknown) => error);
  expect(failure).toMatchObject({ reason, details: { grpcStatus: status.code, grpcMessage: status.details } });
  expect(String(failure)).not.toContain("token-of-the-probe");
  expect(edge.openConnections()).toBe(0);
});

test("a gRPC server without the certificate service", async () => {
  const root = await createTestRoot();
  const { certificate, key } = await root.issueServer(testHostname);
  const server = createSecureServer({ cert: certificate, key });
  server.on("stream", (stream) => {
    stream.respond(
      { ":status": 200, "content-type": "application/grpc", "grpc-status": "12", "grpc-message": "unknown%20service" },
      { endStream: true },
    );
  });
  const { issued } = await request(endpointAt(await listenHttp2(server), root));
  await expect(issued).rejects.toMatchObject({ reason: "ServiceMissing", details: { grpcMessage: "unknown service" } });
});

test("an HTTP/2 server that is not gRPC", async () => {
  const root = await createTestRoot();
  const { certificate, key } = await root.issueServer(testHostname);
  const server = createSecureServer({ cert: certificate, key }, (_request, response) => {
    response.writeHead(404).end("no");
  });
  const { issued } = await request(endpointAt(await listenHttp2(server), root));
  await expect(issued).rejects.toMatchObject({ reason: "BadAnswer", details: { httpStatus: 404 } });
});

test("no answer in time: the call is cancelled and the connection closed", async () => {
  const { edge, endpoint } = await start({ sign: async () => undefined });
  const { issued } = await request(endpoint, { limitMs: 300 });
  await expect(issued).rejects.toMatchObject({ reason: "NoAnswer" });
  await edge.drained();
});

test("a connection that breaks during the call", async () => {
  const asked = Promise.withResolvers<void>();
  const { edge, endpoint } = await start({
    sign: async () => {
      asked.resolve();
      return undefined;
    },
  });
  const { issued } = await request(endpoint);
  void asked.promise.then(() => edge.resetAll());
  await expect(issued).rejects.toMatchObject({ reason: "ConnectionBroke" });
});

test("a certificate of another root", async () => {
  const other = await createTestRoot("other");
  const { endpoint } = await start({
    sign: async ({ csr }) => [await other.signRequest(csr, spiffeId), other.certificate],
  });
  const { issued } = await request(endpoint);
  await expect(issued).rejects.toMatchObject({ reason: "ChainNotTrusted" });
});

test.for([
  [
    "may not request tokens",
    refuse(
      403,
      'serviceaccounts "pilothouse-probe" is forbidden: User "x" cannot create resource "serviceaccounts/token"',
    ),
    "ProbeForbidden",
  ],
  ["no namespace", refuse(404, 'namespaces "pilothouse-probe" not found'), "ProbeNamespaceMissing"],
  ["no account", refuse(404, 'serviceaccounts "pilothouse-probe" not found'), "ProbeAccountMissing"],
  ["an API server with a fault", refuse(500, "etcd is away"), "MeshApiUnavailable"],
  ["an API server that never answers", undefined, "MeshApiUnavailable"],
] as const)("the mesh cluster: %s", async ([, answer, reason]) => {
  const { endpoint, edge } = await start({});
  const { issued } = await request(endpoint, { answer: () => answer, limitMs: 500 });
  await expect(issued).rejects.toMatchObject({ reason });
  expect(edge.openConnections()).toBe(0);
});

function listenHttp2(server: Http2SecureServer): Promise<number> {
  onTestFinished(() => {
    server.close();
  });
  return listenOnLoopback(server);
}
