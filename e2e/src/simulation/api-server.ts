import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import { createServer, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type Authority, createKeyPair } from "./certificates.ts";
import type { SimulatedCluster } from "./cluster.ts";
import type { User } from "./identities.ts";
import { parseShared } from "./json-text.ts";

/** Port of every API server, each at an address of its own. */
export const apiPort = 6_443;

/** Certificates of all API servers here have one key: nobody outside can tell. */
const serverKeys = createKeyPair();

/** Sockets of servers that speak TLS. */
export function asTlsSocket({ socket }: { socket: Socket }): TLSSocket {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- servers of TLS have no other sockets
  return socket as TLSSocket;
}

export interface ApiServer {
  /** Refuses connections, and drops those that are open, until it is called again. */
  setOpen: (isOpen: boolean) => Promise<void>;
  stop: () => Promise<void>;
}

const users = new WeakMap<TLSSocket, User>();

/** Who a client's certificate is for, when the cluster's authority has signed it. */
function readUser(request: IncomingMessage): User | undefined {
  const socket = asTlsSocket(request);
  if (!socket.authorized) return undefined;
  const known = users.get(socket);
  if (known !== undefined) return known;
  const { subject } = socket.getPeerCertificate();
  const user = { name: "simulated-admin", uid: "", groups: [String(subject.O), "system:authenticated"] };
  users.set(socket, user);
  return user;
}

/** A request's body. */
function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => resolve(Buffer.concat(chunks)));
    request.on("error", reject);
  });
}

/**
 * Serves the API of a cluster at an address of its own. What takes memory is made with the first connection.
 *
 * @param authority signs the server's certificate, and those of clients that are let in
 */
export async function startApiServer(
  address: string,
  authority: Authority,
  find: () => SimulatedCluster,
): Promise<ApiServer> {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = request.method === "GET" ? Buffer.alloc(0) : await readBody(request);
    const { method = "GET", url = "/", headers } = request;
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
    const user = token === undefined ? readUser(request) : undefined;
    const {
      status,
      text,
      type = "application/json",
    } = await find().api({
      method,
      url,
      ...(token === undefined ? {} : { token }),
      ...(headers.accept === undefined ? {} : { accept: headers.accept }),
      ...(user === undefined ? {} : { user }),
      ...(bytes.length === 0 ? {} : { body: parseShared(bytes) }),
    });
    // With its length the answer is one piece, where chunks would be four.
    response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) });
    response.end(text);
  }
  const start = (): HttpsServer =>
    createHttpsServer(
      {
        cert: authority.issue(serverKeys.publicKey, { names: [{ ip: address }] }),
        key: serverKeys.privateKey,
        ca: authority.certificate,
        requestCert: true,
        rejectUnauthorized: false,
        keepAliveTimeout: 90_000,
      },
      (request, response) => void answer(request, response).catch(() => response.destroy()),
    );
  let behind: HttpsServer | undefined;
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    behind ??= start();
    behind.emit("connection", socket);
  });
  const setOpen: ApiServer["setOpen"] = async (isOpen) => {
    if (isOpen === server.listening) return;
    if (isOpen) {
      server.listen(apiPort, address, 1_024);
      await once(server, "listening");
      return;
    }
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await setOpen(true);
  return { setOpen, stop: () => setOpen(false) };
}
