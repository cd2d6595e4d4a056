import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { checkServerIdentity, createSecureContext } from "node:tls";
import { Client } from "undici";
import type { Deadline } from "../deadline.ts";
import { ProvisionerError } from "../errors.ts";
import type { ClusterAccess } from "../types.ts";
import { createCheckedConnector } from "./checked-connector.ts";
import type { AddressCheck } from "./checked-connector.ts";

/** One connection, that carries one request at a time; more wait in it. */
export interface PooledConnection {
  client: Client;
  /** Requests that were given to it and have not ended. Whoever picks it counts. */
  running: number;
  isOpen: boolean;
}

/** Connections to one API server. */
export interface ConnectionPool {
  /** The one with the least to do, or a new one. */
  pick: () => PooledConnection;
  /** Ends all connections, and with them the calls under way; those that are shared stay. */
  close: () => Promise<void>;
}

export interface PoolOptions {
  deadline: Deadline;
  signal?: AbortSignal;
  callTimeoutMs: number;
  checkAddress?: AddressCheck;
  sharesConnections?: boolean;
}

const connectionsPerServer = 4;
/**
 * So many requests wait for a connection that is being opened, before another one is: a handshake takes two journeys to the server and a
 * millisecond or more of processor time on both sides, an answer to a request that waits ahead usually one.
 */
const mostWaitingForOpening = 3;
const idleConnectionMs = 30_000;
/** Servers, or credentials of one, whose connections are kept; idle ones end by themselves. */
const mostShared = 256;

const shared = new Map<string, ConnectionPool>();

/** Opens a pool of one client's own, or the one that all share. */
export function openConnectionPool(access: ClusterAccess, options: PoolOptions): ConnectionPool {
  if (options.sharesConnections !== true) return createPool(access, options);
  if (options.checkAddress !== undefined) {
    throw new ProvisionerError(
      "unknown",
      "CheckNotShared",
      `Connections to ${access.server} can't be shared, as their addresses are checked for one run alone.`,
    );
  }
  const id = createHash("sha256").update(JSON.stringify(access)).digest("base64");
  // Neither deadline nor signal of one run may bound the others' connections: both are looked at with each request.
  const { deadline, callTimeoutMs } = options;
  const pool = shared.get(id) ?? createPool(access, { deadline, callTimeoutMs });
  shared.delete(id);
  shared.set(id, pool);
  for (const oldest of shared.keys()) {
    if (shared.size <= mostShared) break;
    shared.delete(oldest);
  }
  return { pick: pool.pick, close: () => Promise.resolve() };
}

function createPool(access: ClusterAccess, options: PoolOptions): ConnectionPool {
  const connect = createCheckedConnector({ ...tlsOptions(access), timeout: options.callTimeoutMs }, options);
  const connections: PooledConnection[] = [];
  return {
    /** undici's own Pool opens a second connection for a request that follows at once, because the first is idle a turn later. */
    pick() {
      const opening = connections.find(
        ({ isOpen, running }) => !isOpen && running > 0 && running <= mostWaitingForOpening,
      );
      if (opening) return opening;
      const least = connections.toSorted((a, b) => a.running - b.running)[0];
      if (least && (least.running === 0 || connections.length === connectionsPerServer)) return least;
      const client = new Client(access.server, {
        connect,
        pipelining: 1,
        // HTTP/2 would hold back parts of a request in its flow control, after the deadline was checked.
        allowH2: false,
        keepAliveTimeout: idleConnectionMs,
        // The time limit of a call covers both.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      const connection = { client, running: 0, isOpen: false };
      client.on("connect", () => {
        connection.isOpen = true;
      });
      client.on("disconnect", () => {
        connection.isOpen = false;
      });
      connections.push(connection);
      return connection;
    },
    async close() {
      await Promise.all(connections.splice(0).map(({ client }) => client.destroy()));
    },
  };
}

function tlsOptions(access: ClusterAccess) {
  const { certificateAuthority, tlsServerName, credential } = access;
  return {
    // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED can't turn it off.
    rejectUnauthorized: true,
    // Read once for all connections: parsing certificates costs about as much as a handshake.
    secureContext: createSecureContext({
      ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
      ...("token" in credential ? {} : { cert: credential.clientCertificate, key: credential.clientKey }),
    }),
    ...(tlsServerName === undefined
      ? {}
      : {
          // SNI carries no addresses.
          ...(isIP(tlsServerName) ? {} : { servername: tlsServerName }),
          checkServerIdentity: (_host: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
            checkServerIdentity(tlsServerName, certificate),
        }),
  };
}
