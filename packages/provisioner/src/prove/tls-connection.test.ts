import { createServer } from "node:tls";
import { expect, onTestFinished, test } from "vitest";
import { saying } from "./testing/matchers.ts";
import { listenOnLoopback, startEdge } from "./testing/test-edge.ts";
import { createTestRoot, type TestAuthority, type TestValidity } from "./testing/test-mesh.ts";
import { withTimeLimit } from "./time-limit.ts";
import { connectTls, type TlsEndpoint } from "./tls-connection.ts";

const hostname = "r5.mesh.test";
const never = new AbortController().signal;

/** Nothing listens on port 1; nothing but that address can answer on it. */
const deadPort = 1;

async function startServer(
  root: TestAuthority,
  options: { hostname?: string; protocols?: string[]; validity?: TestValidity } = {},
): Promise<number> {
  const { certificate, key } = await root.issueServer(options.hostname ?? hostname, options.validity);
  const server = createServer({ cert: certificate, key, ALPNProtocols: options.protocols ?? ["h2"] }, (socket) => {
    socket.on("error", () => {});
  });
  server.on("tlsClientError", () => {});
  onTestFinished(() => {
    server.close();
  });
  return listenOnLoopback(server);
}

function endpointAt(port: number, root: TestAuthority, addresses = ["127.0.0.1"]): TlsEndpoint {
  return { hostname, port, addresses, rootCertificates: root.certificate, protocol: "h2" };
}

test("a connection is verified by the name and the root, with SNI, and pinned to the address", async () => {
  const root = await createTestRoot();
  const edge = await startEdge(await startServer(root));
  const { socket, address } = await connectTls(endpointAt(edge.port, root), never);
  expect(address).toBe("127.0.0.1");
  expect(socket).toMatchObject({ authorized: true, alpnProtocol: "h2", servername: hostname });
  socket.destroy();
  await edge.drained();
});

test("a dead address is followed by the next, and remembered", async () => {
  const root = await createTestRoot();
  const port = await startServer(root);
  const { socket, address, earlierFailures } = await connectTls(
    endpointAt(port, root, ["127.0.0.2", "127.0.0.1"]),
    never,
  );
  expect(address).toBe("127.0.0.1");
  expect(earlierFailures).toEqual([expect.stringContaining(`Nothing listens at 127.0.0.2:${port}`)]);
  socket.destroy();
});

test("nothing listens", async () => {
  const root = await createTestRoot();
  await expect(connectTls(endpointAt(deadPort, root), never)).rejects.toMatchObject({ reason: "ConnectionRefused" });
});

test("the edge resets what it has no istiod for", async () => {
  const edge = await startEdge(undefined, (socket) => socket.once("data", () => socket.resetAndDestroy()));
  await expect(connectTls(endpointAt(edge.port, await createTestRoot()), never)).rejects.toMatchObject({
    reason: "ConnectionReset",
    message: saying(`no istiod answers behind ${hostname}`),
  });
});

test("the edge ends the connection in good order instead of a handshake", async () => {
  const edge = await startEdge(undefined, (socket) => socket.once("data", () => socket.end()));
  await expect(connectTls(endpointAt(edge.port, await createTestRoot()), never)).rejects.toMatchObject({
    reason: "ConnectionReset",
  });
});

test("the edge accepts and stays silent: the connection is given up and closed", async () => {
  const edge = await startEdge(undefined);
  const attempt = withTimeLimit(100, undefined, async (signal) =>
    connectTls(endpointAt(edge.port, await createTestRoot()), signal),
  );
  await expect(attempt).rejects.toMatchObject({ reason: "HandshakeTimeout" });
  await edge.drained();
});

test("one silent address takes three seconds, and not all the time there is", async () => {
  const edge = await startEdge(undefined);
  const startedMs = performance.now();
  await expect(connectTls(endpointAt(edge.port, await createTestRoot()), never)).rejects.toMatchObject({
    reason: "HandshakeTimeout",
  });
  expect(performance.now() - startedMs).toBeGreaterThan(2_900);
  expect(performance.now() - startedMs).toBeLessThan(4_500);
});

test("a caller that gives up ends it at once", async () => {
  const edge = await startEdge(undefined);
  const attempt = connectTls(endpointAt(edge.port, await createTestRoot()), AbortSignal.timeout(50));
  await expect(attempt).rejects.toMatchObject({ reason: "Aborted" });
  await edge.drained();
});

test("another mesh's istiod", async () => {
  const port = await startServer(await createTestRoot("other"));
  await expect(connectTls(endpointAt(port, await createTestRoot()), never)).rejects.toMatchObject({
    reason: "CertificateUntrusted",
  });
});

test("an istiod that was not told its public name", async () => {
  const root = await createTestRoot();
  const port = await startServer(root, { hostname: "istiod.istio-system.svc" });
  await expect(connectTls(endpointAt(port, root), never)).rejects.toMatchObject({
    reason: "CertificateNameMismatch",
    message: saying("ISTIOD_CUSTOM_HOST"),
  });
});

test.for([
  ["expired", { fromDays: -2, toDays: -1 }],
  ["not valid yet", { fromDays: 1, toDays: 2 }],
] as const)("a certificate that is %s", async ([, validity]) => {
  const root = await createTestRoot();
  const port = await startServer(root, { validity });
  await expect(connectTls(endpointAt(port, root), never)).rejects.toMatchObject({ reason: "CertificateNotValidNow" });
});

test.for([[["http/1.1"]], [["spdy/3"]]] as const)("a port without HTTP/2 (%s)", async ([protocols]) => {
  const root = await createTestRoot();
  const port = await startServer(root, { protocols: [...protocols] });
  await expect(connectTls(endpointAt(port, root), never)).rejects.toMatchObject({ reason: "ProtocolNotOffered" });
});

test("a port that does not speak TLS", async () => {
  const edge = await startEdge(undefined, (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await expect(connectTls(endpointAt(edge.port, await createTestRoot()), never)).rejects.toMatchObject({
    reason: "NotTls",
  });
});
