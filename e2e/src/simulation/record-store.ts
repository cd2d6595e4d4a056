import { once } from "node:events";
import { createServer } from "node:https";
import { text } from "node:stream/consumers";
import { type Authority, createKeyPair } from "./certificates.ts";
import { isRecord, listAt, textAt } from "./values.ts";

/** Records of names, in the form of CoreDNS's etcd plugin, behind the JSON gateway of an etcd. */
export interface RecordStore {
  endpoint: string;
  prefix: string;
  /** The IPv4 addresses of a name. */
  resolve: (hostname: string) => string[];
  stop: () => Promise<void>;
}

const prefix = "/skydns";
const decode = (value: string): string => Buffer.from(value, "base64").toString("utf8");
const encode = (value: string): string => Buffer.from(value).toString("base64");

/** Starts the store; only clients with a certificate of the authority are let in. */
export async function startRecordStore(address: string, authority: Authority): Promise<RecordStore> {
  const records = new Map<string, string>();
  /** Hosts of a name's records by its folder: each connection and each call of a webhook asks for one of thousands. */
  const hosts = new Map<string, string[]>();
  const folderOf = (key: string): string => key.slice(0, key.lastIndexOf("/") + 1);
  const followFolder = (folder: string): void => {
    const range = { key: encode(folder), range_end: encode(`${folder.slice(0, -1)}0`) };
    const found = keysIn(range).map((key) => textAt(JSON.parse(records.get(key) ?? "{}"), "host"));
    if (found.length === 0) hosts.delete(folder);
    else hosts.set(folder, found);
  };
  const keysIn = (range: unknown): string[] => {
    const from = decode(textAt(range, "key"));
    const end = decode(textAt(range, "range_end"));
    if (end === "") return records.has(from) ? [from] : [];
    return [...records.keys()].filter((key) => key >= from && key < end).toSorted();
  };
  const removeRange = (range: unknown): void => {
    for (const key of keysIn(range)) {
      records.delete(key);
      followFolder(folderOf(key));
    }
  };
  const answer = (path: string, body: unknown): object | undefined => {
    switch (path) {
      case "/v3/kv/range":
        return { kvs: keysIn(body).map((key) => ({ key: encode(key), value: encode(records.get(key) ?? "") })) };
      case "/v3/kv/deleterange":
        removeRange(body);
        return {};
      case "/v3/kv/txn":
        for (const operation of listAt(body, "success")) {
          if (!isRecord(operation)) continue;
          const put = operation["request_put"];
          if (put === undefined) removeRange(operation["request_delete_range"]);
          else {
            const key = decode(textAt(put, "key"));
            records.set(key, decode(textAt(put, "value")));
            followFolder(folderOf(key));
          }
        }
        return { succeeded: true };
      default:
        return undefined;
    }
  };
  const keys = createKeyPair();
  const cert = authority.issue(keys.publicKey, { names: [{ ip: address }] });
  const tls = { cert, key: keys.privateKey, ca: authority.certificate, requestCert: true, rejectUnauthorized: true };
  const server = createServer(tls, (request, response) => {
    text(request)
      .then((body) => {
        const found = answer(request.url ?? "", JSON.parse(body));
        response.writeHead(found === undefined ? 404 : 200, { "content-type": "application/json" });
        response.end(JSON.stringify(found ?? {}));
        return undefined;
      })
      .catch(() => response.destroy());
  });
  server.listen(0, address);
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the record store has no port");
  return {
    endpoint: `https://${address}:${bound.port}`,
    prefix,
    resolve: (hostname) => hosts.get(`${prefix}/${hostname.split(".").toReversed().join("/")}/`) ?? [],
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
