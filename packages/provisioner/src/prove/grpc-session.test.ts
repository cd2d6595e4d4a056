import { createSecureServer, type ServerHttp2Session } from "node:http2";
import { expect, onTestFinished, test } from "vitest";
import { openGrpcSession, type StreamEnd } from "./grpc-session.ts";
import { listenOnLoopback, startEdge } from "./testing/test-edge.ts";
import { createTestRoot } from "./testing/test-mesh.ts";
import { connectTls } from "./tls-connection.ts";

const hostname = "r5.mesh.test";
const never = new AbortController().signal;

/** An HTTP/2 server whose streams are never answered, behind an edge. */
async function start() {
  const root = await createTestRoot();
  const { certificate, key } = await root.issueServer(hostname);
  const sessions: ServerHttp2Session[] = [];
  const server = createSecureServer({ cert: certificate, key });
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "content-type": "application/grpc" });
  });
  onTestFinished(() => {
    server.close();
  });
  const edge = await startEdge(await listenOnLoopback(server));
  const endpoint = {
    hostname,
    port: edge.port,
    addresses: ["127.0.0.1"],
    rootCertificates: root.certificate,
    protocol: "h2",
  } as const;
  const connection = await connectTls(endpoint, never);
  return { edge, sessions, connection };
}

function openStream(session: ReturnType<typeof openGrpcSession>) {
  const ended = Promise.withResolvers<StreamEnd>();
  session.openStream("/a/b", {}, { onMessage: () => {}, onEnd: ended.resolve });
  return ended.promise;
}

test("a connection that goes silent is given up when a keepalive ping stays without answer", async () => {
  const { edge, connection } = await start();
  const session = openGrpcSession(connection, hostname, { keepAlive: { intervalMs: 40, timeoutMs: 80 } });
  const ended = openStream(session);
  await session.ping();
  edge.goSilent();
  expect(await ended).toMatchObject({ kind: "broken", error: { name: "KeepAliveTimeout" } });
  await session.close();
  await edge.drained();
});

test("answered keepalive pings keep it open", async () => {
  const { edge, connection } = await start();
  const session = openGrpcSession(connection, hostname, { keepAlive: { intervalMs: 10, timeoutMs: 500 } });
  const ends: StreamEnd[] = [];
  void openStream(session).then((end) => ends.push(end));
  await new Promise((resolve) => {
    setTimeout(resolve, 150);
  });
  expect(ends).toEqual([]);
  expect(edge.openConnections()).toBe(1);
  await session.close();
  expect(edge.openConnections()).toBe(0);
});

test("a server that closes for the connection's age says so before, and in the end", async () => {
  const { sessions, connection } = await start();
  const session = openGrpcSession(connection, hostname);
  const warned = Promise.withResolvers<void>();
  session.onGoaway(warned.resolve);
  const ended = openStream(session);
  await session.ping();
  sessions[0]?.goaway(0, 0, Buffer.from("max_age"));
  await warned.promise;
  sessions[0]?.destroy();
  expect(await ended).toEqual({ kind: "goaway", text: "max_age" });
  await session.close();
});

test("closing cancels what is open, and can be repeated", async () => {
  const { edge, connection } = await start();
  const session = openGrpcSession(connection, hostname);
  const ended = openStream(session);
  await session.ping();
  await Promise.all([session.close(), session.close()]);
  expect(await ended).toEqual({ kind: "cancelled" });
  expect(edge.openConnections()).toBe(0);
  expect(await openStream(session)).toMatchObject({ kind: "broken" });
});

test("a connection that was reset before it was used", async () => {
  const { edge, connection } = await start();
  edge.resetAll();
  await edge.drained();
  const session = openGrpcSession(connection, hostname);
  expect(await openStream(session)).toMatchObject({ kind: "broken" });
  await session.close();
});
