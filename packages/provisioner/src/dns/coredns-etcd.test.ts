import { beforeAll, expect, test } from "vitest";
import { createDeadline } from "../deadline.ts";
import { respond, startTestServer } from "../kube/test-server.ts";
import { createTestAuthority, type IssuedCertificate, type TestAuthority } from "../kubeconfig/test-certificates.ts";
import { createCoreDnsEtcdPublisher } from "./coredns-etcd.ts";

let authority: TestAuthority;
let own: IssuedCertificate;

beforeAll(async () => {
  authority = await createTestAuthority("records");
  own = await authority.issue({ commonName: "server", ipAddresses: ["127.0.0.1"] });
});

async function startStore() {
  const sockets = new Set<unknown>();
  const { url, seen, server } = await startTestServer(own, (_entry, response, request) => {
    sockets.add(request.socket);
    respond(response, 200, { kvs: [] });
  });
  const publisher = createCoreDnsEtcdPublisher({
    endpoint: url,
    prefix: "/records",
    certificateAuthority: authority.certificate,
    clientCertificate: own.certificate,
    clientKey: own.key,
  });
  return { publisher, sockets, seen, server };
}

test("one connection serves many changes, and one that the store has ended is replaced", async () => {
  const { publisher, sockets, seen, server } = await startStore();
  await publisher.publish("a.example.com", ["192.0.2.1"], createDeadline(5_000));
  await publisher.publish("b.example.com", ["192.0.2.1"], createDeadline(5_000));
  expect(sockets.size).toBe(1);
  server.closeAllConnections();
  await publisher.withdraw("a.example.com", createDeadline(5_000));
  expect(sockets.size).toBe(2);
  expect(seen.map(({ url }) => url)).toEqual([
    "/v3/kv/range",
    "/v3/kv/txn",
    "/v3/kv/range",
    "/v3/kv/txn",
    "/v3/kv/deleterange",
  ]);
});

test("nothing is sent after the deadline, on a new connection or a kept one", async () => {
  const { publisher, seen } = await startStore();
  await expect(publisher.withdraw("a.example.com", createDeadline(0))).rejects.toMatchObject({ kind: "transient" });
  await publisher.withdraw("a.example.com", createDeadline(5_000));
  await expect(publisher.withdraw("b.example.com", createDeadline(0))).rejects.toMatchObject({ kind: "transient" });
  expect(seen).toHaveLength(1);
});
