import { once } from "node:events";
import { createSecureServer, type ServerHttp2Session } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { SecureContext, TLSSocket } from "node:tls";
import { asTlsSocket } from "./api-server.ts";
import { readServerName } from "./client-hello.ts";
import type { Istiod } from "./istiod.ts";
import { answerWebhook } from "./istiod-answers.ts";
import { answerStream } from "./istiod-streams.ts";

/** The edge of an istiod cluster with the istiods behind it: TLS by server name on 443 and 15012 of an address of its own. */
export interface Edge {
  address: string;
  add: (istiod: Istiod) => void;
  remove: (istiod: Istiod) => void;
  /** Refuses connections, and drops those that are open, until it is called again. */
  setOpen: (isOpen: boolean) => Promise<void>;
  stop: () => Promise<void>;
}

export const edgePorts = { webhook: 443, xds: 15_012 } as const;
/** As istiod's chart has it: a proxy's connection ends after half an hour, with some seconds' notice. In milliseconds. */
const connectionAgeMs = 30 * 60_000;
const connectionGraceMs = 10_000;

/** The name that a client asked for in its TLS handshake. */
const readName = ({ servername }: TLSSocket): string => (typeof servername === "string" ? servername : "");

export async function startEdge(address: string): Promise<Edge> {
  const istiods = new Map<string, Istiod[]>();
  /** One of the replicas behind a name, by chance. */
  const pick = (hostname: string): Istiod | undefined => {
    const all = istiods.get(hostname) ?? [];
    return all[Math.floor(Math.random() * all.length)];
  };
  const choose =
    (contextOf: (istiod: Istiod) => SecureContext) =>
    (hostname: string, callback: (error: Error | null, context?: SecureContext) => void): void => {
      const istiod = pick(hostname);
      if (istiod === undefined) callback(new Error(`no istiod answers for ${hostname}`));
      else callback(null, contextOf(istiod));
    };

  const webhooks = createHttpsServer(
    { SNICallback: choose((istiod) => istiod.webhookContext), keepAliveTimeout: 90_000 },
    (request, response) => {
      const istiod = pick(readName(asTlsSocket(request)));
      text(request)
        .then((sent) => {
          const review: unknown = JSON.parse(sent);
          const answer = istiod === undefined ? undefined : answerWebhook(istiod.settings, request.url ?? "", review);
          const body = Buffer.from(JSON.stringify(answer ?? {}));
          const headers = { "content-type": "application/json", "content-length": body.length };
          response.writeHead(answer === undefined ? 404 : 200, headers);
          response.end(body);
          return undefined;
        })
        .catch(() => response.destroy());
    },
  );
  const proxies = createSecureServer({
    SNICallback: choose((istiod) => istiod.proxyContext),
    requestCert: true,
    rejectUnauthorized: false,
  });
  proxies.on("session", (session: ServerHttp2Session) => {
    const istiod = pick(readName(asTlsSocket(session)));
    if (istiod === undefined) {
      session.destroy();
      return;
    }
    const age = setTimeout(
      () => {
        session.goaway(0, undefined, Buffer.from("max_age"));
        setTimeout(() => session.destroy(), connectionGraceMs).unref();
      },
      connectionAgeMs * (0.9 + 0.2 * Math.random()),
    );
    age.unref();
    istiod.sessions.add(session);
    session.on("close", () => {
      clearTimeout(age);
      istiod.sessions.delete(session);
    });
    session.on("error", () => undefined);
    session.on("stream", (stream, headers) => answerStream(istiod, stream, headers));
  });
  for (const server of [webhooks, proxies]) server.on("tlsClientError", () => undefined);

  const sockets = new Set<Socket>();
  /** Looks at the name that a client asks for, and hands the connection on, or resets it where nobody answers. */
  const handOn = (behind: { emit: (event: "connection", socket: Socket) => boolean }): Server =>
    createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      let seen = Buffer.alloc(0);
      const look = (): void => {
        for (let chunk: unknown = socket.read(); Buffer.isBuffer(chunk); chunk = socket.read())
          seen = Buffer.concat([seen, chunk]);
        const hostname = readServerName(seen);
        if (hostname === undefined) return;
        socket.off("readable", look);
        if (pick(hostname) === undefined) {
          socket.resetAndDestroy();
          return;
        }
        socket.unshift(seen);
        behind.emit("connection", socket);
      };
      socket.on("readable", look);
    });
  const servers = [
    { port: edgePorts.webhook, server: handOn(webhooks) },
    { port: edgePorts.xds, server: handOn(proxies) },
  ];
  const setOpen: Edge["setOpen"] = async (isOpen) => {
    const changed = servers.filter(({ server }) => server.listening !== isOpen);
    const settled = changed.map(({ server }) => once(server, isOpen ? "listening" : "close"));
    for (const { port, server } of changed) {
      if (isOpen) server.listen(port, address, 1_024);
      else server.close();
    }
    if (!isOpen) for (const socket of sockets) socket.destroy();
    await Promise.all(settled);
  };
  await setOpen(true);
  return {
    address,
    add(istiod) {
      const { hostname } = istiod.settings;
      istiods.set(hostname, [...(istiods.get(hostname) ?? []), istiod]);
    },
    remove(istiod) {
      const { hostname } = istiod.settings;
      const left = (istiods.get(hostname) ?? []).filter((other) => other !== istiod);
      if (left.length === 0) istiods.delete(hostname);
      else istiods.set(hostname, left);
    },
    setOpen,
    stop: () => setOpen(false),
  };
}
