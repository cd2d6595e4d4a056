import { createHash } from "node:crypto";
import { Agent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Deadline } from "../deadline.ts";
import { ProvisionerError } from "../errors.ts";
import { fieldAt, stringAt } from "../kube/field-at.ts";
import type { DnsPublisher } from "./publisher.ts";

/** How to reach the etcd that CoreDNS reads records from, and where in it they are. */
export interface CoreDnsEtcdOptions {
  /** `https://host:port` */
  endpoint: string;
  /** The `path` of CoreDNS's etcd plugin, such as `/skydns`. */
  prefix: string;
  /** PEM of who signed the server's certificate. */
  certificateAuthority: string;
  /** PEM of a certificate that the server takes from a client, and of its key. */
  clientCertificate: string;
  clientKey: string;
}

/** Short, so that a revision that moves is found where it went; resolvers ask again that often. In seconds. */
const recordTtlSeconds = 5;

/** Connections to the store, which are kept: each handshake has certificates on both sides. */
const mostConnections = 4;

class KeptConnectionEnded extends Error {}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/**
 * Publishes records by writing them into the etcd of CoreDNS's etcd plugin, one key per address, through etcd's JSON gateway.
 * They are visible with the next query. https://coredns.io/plugins/etcd/ has the form of keys and values.
 */
export function createCoreDnsEtcdPublisher(options: CoreDnsEtcdOptions): DnsPublisher {
  // Read once for all connections. Node's types for requests leave out what it hands on to its TLS layer.
  const tls: { secureContext: SecureContext } = {
    secureContext: createSecureContext({
      ca: options.certificateAuthority,
      cert: options.clientCertificate,
      key: options.clientKey,
    }),
  };
  const agent = new Agent({ keepAlive: true, maxSockets: mostConnections });
  const connected = new WeakSet<Socket>();

  const callOnce = (path: string, body: object, deadline: Deadline): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const fail = (why: string, cause?: unknown): void => {
        reject(
          new ProvisionerError(
            "transient",
            "DnsStoreUnreachable",
            `The store of DNS records at ${options.endpoint} did not take a change: ${why}`,
            {
              cause,
            },
          ),
        );
      };
      let isReused = false;
      let isAnswered = false;
      const outgoing = httpsRequest(
        new URL(path, options.endpoint),
        {
          method: "POST",
          ...tls,
          signal: deadline.signal,
          agent,
          timeout: 5_000,
          headers: { "content-type": "application/json" },
        },
        (response) => {
          isAnswered = true;
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", (error) => fail(error.message, error));
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            if (response.statusCode !== 200) return fail(`it answered ${response.statusCode}: ${text.slice(0, 200)}`);
            try {
              resolve(JSON.parse(text));
            } catch (error) {
              fail("its answer is not JSON", error);
            }
          });
        },
      );
      outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in 5 s")));
      outgoing.on("error", (error: NodeJS.ErrnoException) => {
        const isClosed = error.code === "ECONNRESET" || error.code === "EPIPE";
        if (error instanceof ProvisionerError) reject(error);
        else if (isReused && !isAnswered && isClosed) reject(new KeptConnectionEnded());
        else fail(error.message, error);
      });
      // A process that was stopped while it connected, or waited for a connection, must not write when it goes on after its deadline.
      const write = (): void => {
        try {
          deadline.assertNotPassed(`change DNS records at ${options.endpoint}`);
          outgoing.end(JSON.stringify(body));
        } catch (error) {
          outgoing.destroy(error instanceof Error ? error : undefined);
        }
      };
      outgoing.on("socket", (socket) => {
        isReused = connected.has(socket);
        if (isReused) {
          write();
          return;
        }
        socket.once("secureConnect", () => {
          connected.add(socket);
          write();
        });
      });
    });

  /** Each call may be sent twice: a server may end a kept connection just when it is used again. */
  const call = async (path: string, body: object, deadline: Deadline): Promise<unknown> => {
    for (;;) {
      try {
        return await callOnce(path, body, deadline);
      } catch (error) {
        if (!(error instanceof KeptConnectionEnded)) throw error;
      }
    }
  };

  const folderOf = (hostname: string): string => `${options.prefix}/${hostname.split(".").toReversed().join("/")}/`;
  const keyOf = (hostname: string, address: string): string =>
    `${folderOf(hostname)}${createHash("sha256").update(address).digest("hex").slice(0, 12)}`;

  /** Every key below a folder: the range ends where the last character is one higher. */
  const below = (folder: string): { key: string; range_end: string } => ({
    key: base64(folder),
    range_end: base64(`${folder.slice(0, -1)}0`),
  });

  /** What is published of a name: values by key. */
  const readRecords = async (hostname: string, deadline: Deadline): Promise<Map<string, string>> => {
    const answer = await call("/v3/kv/range", below(folderOf(hostname)), deadline);
    const found = fieldAt(answer, "kvs");
    const read = (pair: unknown, field: string): string =>
      Buffer.from(stringAt(pair, field) ?? "", "base64").toString("utf8");
    return new Map(
      (Array.isArray(found) ? found : []).map((pair: unknown) => [read(pair, "key"), read(pair, "value")]),
    );
  };

  return {
    async publish(hostname, addresses, deadline) {
      const wanted = new Map(
        addresses.map((host) => [keyOf(hostname, host), JSON.stringify({ host, ttl: recordTtlSeconds })]),
      );
      const found = await readRecords(hostname, deadline);
      const due = [...wanted].filter(([key, value]) => found.get(key) !== value);
      const stale = [...found.keys()].filter((key) => !wanted.has(key));
      if (due.length === 0 && stale.length === 0) return;
      const success = [
        ...due.map(([key, value]) => ({ request_put: { key: base64(key), value: base64(value) } })),
        ...stale.map((key) => ({ request_delete_range: { key: base64(key) } })),
      ];
      await call("/v3/kv/txn", { success }, deadline);
    },
    async withdraw(hostname, deadline) {
      await call("/v3/kv/deleterange", below(folderOf(hostname)), deadline);
    },
  };
}
