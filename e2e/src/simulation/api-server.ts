import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { buffer } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { type Authority, createKeyPair } from "./certificates.ts";
import type { SimulatedCluster } from "./cluster.ts";
import { parseShared } from "./json-text.ts";

/** Domain of the names by which the API servers are told apart: all of them answer at one address, by SNI. */
const apiDomain = "clusters.simulated.invalid";

/** Name in the certificate of a cluster's API server. */
export const buildServerName = (cluster: string): string => `${cluster}.${apiDomain}`;

/** The name that a client asked for in its TLS handshake. */
export function readServerNameOf({ socket }: Pick<IncomingMessage, "socket">): string {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- servers of TLS have no other sockets
  const { servername } = socket as TLSSocket;
  return typeof servername === "string" ? servername : "";
}

export interface ApiServers {
  port: number;
  stop: () => Promise<void>;
}

/** Serves the APIs of all clusters on one port. @param find the cluster of a name */
export async function startApiServers(
  address: string,
  authority: Authority,
  find: (cluster: string) => SimulatedCluster | undefined,
): Promise<ApiServers> {
  const keys = createKeyPair();
  const cert = authority.issue(keys.publicKey, [{ dns: `*.${apiDomain}` }]);
  const server = createServer({ cert, key: keys.privateKey, keepAliveTimeout: 90_000 }, (request, response) => {
    const cluster = find(readServerNameOf(request).split(".")[0] ?? "");
    const { method = "GET", url = "/", headers } = request;
    buffer(request)
      .then(async (bytes) => {
        const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
        const body = bytes.length === 0 ? {} : { body: parseShared(bytes) };
        const answer = await cluster?.api({ method, url, token, ...body });
        response.writeHead(answer?.status ?? 404, { "content-type": "application/json" });
        response.end(answer?.text ?? "no such cluster");
        return undefined;
      })
      .catch(() => response.destroy());
  });
  server.listen(0, address, 4_096);
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the API servers have no port");
  return {
    port: bound.port,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
