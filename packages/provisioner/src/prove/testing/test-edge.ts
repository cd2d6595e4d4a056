import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** Passes connections through to a port, as the edge does, and can be made to fail. */
export interface TestEdge {
  port: number;
  /** Connections of clients that are open now. */
  openConnections(): number;
  /** Waits until no client's connection is open. */
  drained(): Promise<void>;
  /** From now on bytes go nowhere, in both directions. */
  goSilent(): void;
  /** Ends all connections with a TCP reset. */
  resetAll(): void;
}

/** An edge in front of `upstreamPort`; without one it accepts connections and does `instead`. */
export async function startEdge(
  upstreamPort: number | undefined,
  instead: (socket: Socket) => void = () => {},
): Promise<TestEdge> {
  const open = new Set<Socket>();
  const upstreams = new Set<Socket>();
  let silent = false;
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => {});
    if (upstreamPort === undefined) {
      instead(socket);
      // Unread bytes would hide that the client has closed.
      socket.resume();
      return;
    }
    const upstream = connect({ port: upstreamPort, host: "127.0.0.1", noDelay: true });
    upstreams.add(upstream);
    upstream.on("error", () => socket.destroy());
    upstream.on("close", () => socket.end());
    socket.on("close", () => upstream.destroy());
    socket.on("data", (chunk) => silent || upstream.write(chunk));
    upstream.on("data", (chunk) => silent || socket.write(chunk));
  });
  const port = await listenOnLoopback(server);
  onTestFinished(() => {
    for (const socket of [...open, ...upstreams]) socket.destroy();
    server.close();
  });
  return {
    port,
    openConnections: () => open.size,
    drained: async () => {
      while (open.size > 0) await Promise.all([...open].map((socket) => once(socket, "close")));
    },
    goSilent: () => {
      silent = true;
    },
    resetAll: () => {
      for (const socket of open) socket.resetAndDestroy();
    },
  };
}

/** Listens on a free port of 127.0.0.1 and returns it. */
export async function listenOnLoopback(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening on a port");
  return address.port;
}
