import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { checkServerIdentity, createSecureContext } from "node:tls";
import { Client } from "undici";
import type { Deadline } from "../deadline.ts";
import type { ClusterAccess } from "../types.ts";
import { createCheckedConnector } from "./checked-connector.ts";
import type { AddressCheck } from "./checked-connector.ts";

/** One connection, that carries one request at a time; more wait in it. */
export interface PooledConnection {
  client: Client;
  /** Requests that were given to it and have not ended. Whoever picks it counts. */
  running: number;
  /** When one of them last ended, or the first began, by `performance.now()`. */
  movedAtMs: number;
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
/** How many more there may be when all have been busy for this time, in milliseconds: what hangs at a server must not hold up all others. */
const connectionsBesideStuck = 4;
const stuckAfterMs = 1_000;
/**
 * So many requests wait for a connection that is being opened, before another one is: a handshake takes two journeys to the server and a
 * millisecond or more of processor time on both sides, an answer to a request that waits ahead usually one.
 */
const mostWaitingForOpening = 3;
const idleConnectionMs = 30_000;
/** Of connections beside a server's first, which a burst of calls has opened: a thousand servers with four each are memory. */
const idleSpareMs = 3_000;
/** Of connections that belong to no one run, in milliseconds; each call has a time limit of its own as well. */
const sharedConnectTimeoutMs = 10_000;

interface SharedPool {
  pool: ConnectionPool;
  users: number;
  /** Runs while nobody uses it. */
  idle: NodeJS.Timeout | undefined;
}

const shared = new Map<string, SharedPool>();
/** Checks are told apart by which function they are. */
const checkIds = new WeakMap<AddressCheck, number>();
let checksSeen = 0;

function identifyCheck(check: AddressCheck | undefined): number {
  if (check === undefined) return 0;
  const known = checkIds.get(check);
  if (known !== undefined) return known;
  checksSeen += 1;
  checkIds.set(check, checksSeen);
  return checksSeen;
}

/** Opens a pool of one client's own, or the one that all with the same access and the same check share. */
export function openConnectionPool(access: ClusterAccess, options: PoolOptions): ConnectionPool {
  const { checkAddress } = options;
  if (options.sharesConnections !== true) return createPool(access, options);
  const id = createHash("sha256")
    .update(JSON.stringify([identifyCheck(checkAddress), access]))
    .digest("base64");
  const found = shared.get(id) ?? {
    // Neither deadline nor signal of one run may bound the others' connections: both are looked at with each request.
    pool: createPool(access, {
      callTimeoutMs: sharedConnectTimeoutMs,
      ...(checkAddress === undefined ? {} : { checkAddress }),
    }),
    users: 0,
    idle: undefined,
  };
  shared.set(id, found);
  clearTimeout(found.idle);
  found.users += 1;
  let isClosed = false;
  return {
    pick: found.pool.pick,
    close() {
      if (isClosed) return Promise.resolve();
      isClosed = true;
      found.users -= 1;
      if (found.users > 0) return Promise.resolve();
      found.idle = setTimeout(() => {
        shared.delete(id);
        void found.pool.close();
      }, idleConnectionMs);
      found.idle.unref();
      return Promise.resolve();
    },
  };
}

function createPool(
  access: ClusterAccess,
  options: Omit<PoolOptions, "deadline"> & { deadline?: Deadline },
): ConnectionPool {
  const connect = createCheckedConnector({ ...tlsOptions(access), timeout: options.callTimeoutMs }, options);
  const connections: PooledConnection[] = [];
  const mostConnections = (): number => {
    const stuckBeforeMs = performance.now() - stuckAfterMs;
    const areStuck = connections.every(({ movedAtMs }) => movedAtMs < stuckBeforeMs);
    return connectionsPerServer + (areStuck ? connectionsBesideStuck : 0);
  };
  return {
    /** undici's own Pool opens a second connection for a request that follows at once, because the first is idle a turn later. */
    pick() {
      const opening = connections.find(
        ({ isOpen, running }) => !isOpen && running > 0 && running <= mostWaitingForOpening,
      );
      if (opening) return opening;
      const least = connections.toSorted((a, b) => a.running - b.running)[0];
      if (least && (least.running === 0 || connections.length >= mostConnections())) return least;
      const idleMs = connections.length === 0 ? idleConnectionMs : idleSpareMs;
      const client = new Client(access.server, {
        connect,
        pipelining: 1,
        // HTTP/2 would hold back parts of a request in its flow control, after the deadline was checked.
        allowH2: false,
        keepAliveTimeout: idleMs,
        // Whatever the server proposes.
        keepAliveMaxTimeout: idleMs,
        // The time limit of a call covers both.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      const connection = { client, running: 0, movedAtMs: performance.now(), isOpen: false };
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
