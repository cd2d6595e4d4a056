import { copyFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ProvisionerError } from "@pilothouse/provisioner";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Bench, openBench } from "./support/bench.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await openBench();
});
afterEach(() => bench.clear());
afterAll(() => bench.remove());

const quickSentinel = {
  admissionMs: 60_000,
  proofMs: 600_000,
  closerLookMs: 50,
  retryMs: [200, 400, 400],
  streamTimeoutMs: 1_000,
  proofTimeoutMs: 1_000,
} as const;

const wake = (kind: string, id: string) =>
  bench.seeder.query(
    "UPDATE work_items SET wakes = wakes + 1, next_reconcile_at = now() WHERE kind = $1 AND object_id = $2",
    [kind, id],
  );
const damageToken = (clusterId: string) =>
  bench.seeder.query(
    "UPDATE sealed_secrets SET ciphertext = set_byte(ciphertext, 60, get_byte(ciphertext, 60) # 1) WHERE object_id = $1",
    [clusterId],
  );

test("sentinels that wait for clusters that do not answer hold no other up", async () => {
  await bench.launch({
    limits: { overall: 32, perShard: 32 },
    sentinels: { most: 100, mostLooking: 2 },
    times: { sentinel: quickSentinel },
  });
  const { tenantId, clusterId, revisionId: alive } = await bench.createOne("alive", "i-b");
  const order = { tenantId, clusterId, version: "1.32.1", line: "1.32", istiodCluster: "i-a" };
  const dead: string[] = [];
  for (let index = 0; index < 12; index += 1)
    dead.push((await bench.seeder.createControlPlane({ ...order, name: `dead${index}` })).revisionId);
  await bench.until("all are watched", async () => bench.provisioner().openStreams() === 13);
  await bench.until("and known to be", () => bench.isStatus(alive, "Serving", "True"));
  bench.provisioner().faults.onProve = async (id) => {
    if (id !== alive) await sleep(5_000);
  };
  bench.provisioner().faults.isMeshHidden = (id) => id !== alive;
  for (const id of dead) bench.provisioner().breakStreams(id);
  await sleep(1_000);
  bench.provisioner().faults.isIstiodDown = (id) => id === alive;
  bench.provisioner().breakStreams(alive);
  expect(await bench.until("its loss is seen", () => bench.isStatus(alive, "Serving", "False"))).toBeLessThan(6_000);
}, 90_000);

test("a fault of the program is told of, and neither an order nor a removal goes on for ever because of it", async () => {
  await bench.launch();
  bench.provisioner().faults.onRevision = () => {
    throw new TypeError("a detail of the program");
  };
  const { operationId, revisionId, controlPlaneId } = await bench.createOne("cp");
  await bench.until("it is told of", () =>
    bench.has("SELECT 1 FROM conditions WHERE object_id = $1 AND type = 'Ready' AND reason = 'InternalError'", [
      revisionId,
    ]),
  );
  expect(bench.logged.some((line) => line.includes("a detail of the program"))).toBe(true);
  const texts = await bench.seeder.query<{ text: string }>(
    "SELECT message AS text FROM conditions UNION ALL SELECT message FROM operations UNION ALL SELECT message FROM events",
  );
  expect(texts.filter(({ text }) => text?.includes("a detail"))).toEqual([]);
  await bench.seeder.query("UPDATE operations SET created_at = now() - interval '16 minutes' WHERE id = $1::uuid", [
    operationId,
  ]);
  await wake("revision", revisionId);
  await bench.until("the order has failed", () => bench.isState(operationId, "failed"));
  // Ready was not True before either: without an event of its own, whoever follows the control plane would take it for Provisioning for ever.
  expect(
    await bench.has("SELECT 1 FROM events WHERE type = 'control-plane.failed' AND object_id = $1", [controlPlaneId]),
  ).toBe(true);

  await bench.seeder.deleteControlPlane(controlPlaneId, "1 second");
  await bench.until(
    "it is gone",
    async () => !(await bench.has("SELECT 1 FROM control_planes WHERE id = $1::uuid", [controlPlaneId])),
  );
  const [ended] = await bench.seeder.query<{ state: string; message: string }>(
    "SELECT state, message FROM operations WHERE object_id = $1 AND kind = 'control-plane.delete'",
    [controlPlaneId],
  );
  // Neither cluster was asked, so that all may be there.
  for (const part of ["mutatingwebhookconfiguration", `delete namespace ${revisionId}`, "Record"])
    expect(ended?.message).toContain(part);
});

test("an order is not refused because a look at it used a token that was renewed meanwhile; with the token that is stored it is", async () => {
  await bench.launch();
  bench.provisioner().faults.tokenLifetimeMs = 4_000;
  const { id: tenantId } = await bench.seeder.createTenant();
  const clusterId = await bench.seeder.connectCluster(tenantId);
  await bench.until("it is connected", () => bench.isStatus(clusterId, "Connected", "True"));
  let looks = 0;
  bench.provisioner().faults.onRevision = async () => {
    looks += 1;
    if (looks > 1) return;
    await sleep(2_500);
    await wake("cluster", clusterId);
    await bench.until("the token is renewed", () =>
      bench.has("SELECT 1 FROM events WHERE type = 'cluster.token-renewed' AND object_id = $1", [clusterId]),
    );
  };
  bench.provisioner().faults.isTokenRefused = () => looks === 1;
  const order = { tenantId, clusterId, version: "1.32.1", line: "1.32", istiodCluster: "i-a" };
  const made = await bench.seeder.createControlPlane({ ...order, name: "renewed" });
  await bench.until("it is made", () => bench.isState(made.operationId, "succeeded"));
  expect(looks).toBeGreaterThan(1);

  bench.provisioner().faults.tokenLifetimeMs = 86_400_000;
  bench.provisioner().faults.isTokenRefused = (id) => id !== made.revisionId;
  const refused = await bench.createOne("refused");
  await bench.until("it is refused", () => bench.isState(refused.operationId, "failed"));
});

test("a token that can't be opened is told of, nobody is said to watch, and the cluster can be disconnected", async () => {
  const first = await bench.launch();
  const { clusterId, revisionId, controlPlaneId } = await bench.createOne("cp");
  await bench.until("a sentinel watches", () => bench.isStatus(revisionId, "Serving", "True"));
  await first.stop();
  await damageToken(clusterId);
  await bench.launch();
  const isBroken = (id: string, type: string) =>
    bench.has(
      "SELECT 1 FROM conditions WHERE object_id = $1 AND type = $2 AND status = 'Unknown' AND reason = 'SealBroken'",
      [id, type],
    );
  await bench.until("nobody watches", () => isBroken(revisionId, "Serving"));
  const [row] = await bench.seeder.query<{ last_known: { status: string } }>(
    "SELECT last_known FROM conditions WHERE object_id = $1 AND type = 'Serving'",
    [revisionId],
  );
  expect(row?.last_known.status).toBe("True");
  await wake("cluster", clusterId);
  await bench.until("its cluster says why", () => isBroken(clusterId, "Connected"));
  await bench.seeder.deleteControlPlane(controlPlaneId, "1 second");
  await bench.until(
    "the control plane is gone",
    async () => !(await bench.has("SELECT 1 FROM control_planes WHERE id = $1::uuid", [controlPlaneId])),
  );
  await bench.seeder.deleteCluster(clusterId);
  await bench.seeder.query(
    "UPDATE mesh_clusters SET deletion_requested_at = now() - interval '16 minutes' WHERE id = $1",
    [clusterId],
  );
  await wake("cluster", clusterId);
  await bench.until(
    "the cluster is gone",
    async () => !(await bench.has("SELECT 1 FROM mesh_clusters WHERE id = $1::uuid", [clusterId])),
  );
  const [ended] = await bench.seeder.query<{ message: string }>(
    "SELECT message FROM operations WHERE object_id = $1 AND kind = 'cluster.disconnect'",
    [clusterId],
  );
  expect(ended?.message).toContain("kubectl delete namespace pilothouse-system");
});

test("a tenant whose clusters do not answer takes no place from others", async () => {
  await bench.launch({ limits: { overall: 8, perShard: 3 } });
  bench.provisioner().faults.onConnect = () => sleep(4_000);
  const [slow, other] = [await bench.seeder.createTenant(), await bench.seeder.createTenant()];
  for (let index = 0; index < 9; index += 1)
    await bench.seeder.connectCluster(slow.id, { name: `slow${index}`, kubeconfig: `slow ${index}` });
  await bench.until("it waits for three of them", async () => bench.provisioner().calls.length === 3);
  delete bench.provisioner().faults.onConnect;
  const clusterId = await bench.seeder.connectCluster(other.id);
  expect(
    await bench.until("the other's is connected", () => bench.isStatus(clusterId, "Connected", "True")),
  ).toBeLessThan(2_500);
});

test("a queue that is away delays nothing, and does not keep a worker from stopping", async () => {
  const redisUrl = `redis://127.0.0.1:${await findFreePort()}`;
  const worker = await bench.launch({ redisUrl });
  const { operationId } = await bench.createOne("cp");
  await bench.until("it is Ready", () => bench.isState(operationId, "succeeded"), 5_000);
  const startedMs = performance.now();
  await worker.stop();
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  expect(bench.logged.filter((line) => line.includes("hangs"))).toEqual([]);
});

test("a cluster that can't be searched for orphans stays connected", async () => {
  await bench.launch({ orphanLookShare: 1 });
  const { clusterId } = await bench.createOne("cp");
  bench.provisioner().faults.onOrphanLook = () => {
    throw new ProvisionerError("user", "Forbidden", "It may not list that.");
  };
  await wake("cluster", clusterId);
  await bench.until("it is logged", async () => bench.logged.some((line) => line.includes("searched for orphans")));
  await sleep(300);
  expect(await bench.isStatus(clusterId, "Connected", "True")).toBe(true);
});

test("a worker that starts before its database waits for it, alive and not ready", async () => {
  await bench.server.stop();
  const port = await findFreePort();
  const launching = bench.launch({ http: { host: "127.0.0.1", port } });
  await bench.until("it waits", async () => bench.logged.some((line) => line.includes("database does not answer")));
  const read = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  expect([await read("/livez"), await read("/readyz"), await read("/metrics")]).toEqual([200, 503, 200]);
  await bench.server.start();
  await launching;
  await bench.until("it is ready", async () => (await read("/readyz")) === 200);
  await bench.createOne("cp");
});

test("metrics can be read without a database, and say nothing of what they can't know", async () => {
  const worker = await bench.launch();
  const { revisionId, operationId } = await bench.createOne("cp");
  await bench.until("it is Ready", () => bench.isState(operationId, "succeeded"));
  const readLines = async () => {
    const answer = await fetch(`http://127.0.0.1:${worker.port}/metrics`);
    expect(answer.status).toBe(200);
    return (await answer.text()).split("\n");
  };
  await bench.until("one is held", async () => {
    // Again each time: what ends a look that still goes on takes the lease away.
    await bench.seeder.query("UPDATE work_items SET lease_until = now() + interval '5 seconds' WHERE object_id = $1", [
      revisionId,
    ]);
    return (await readLines()).includes('pilothouse_work_held{kind="revision"} 1');
  });
  await bench.seeder.query("DELETE FROM work_items");
  expect((await readLines()).filter((line) => /^pilothouse_work_held\{.* [^0]/.test(line))).toEqual([]);
  await bench.server.stop();
  try {
    const lines = await readLines();
    expect(lines.some((line) => line.startsWith("pilothouse_reconcile_duration_seconds_count"))).toBe(true);
    expect(lines.filter((line) => line.startsWith("pilothouse_work_held{"))).toEqual([]);
  } finally {
    await bench.server.start();
  }
});

test("a worker whose port is taken does no work", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server that listens on a port has an address of this form
  const { port } = other.address() as AddressInfo;
  await expect(bench.launch({ http: { host: "127.0.0.1", port } })).rejects.toThrow("EADDRINUSE");
  other.close();
  const { id: tenantId } = await bench.seeder.createTenant();
  await bench.seeder.connectCluster(tenantId);
  await sleep(1_500);
  expect(bench.provisioner().calls).toEqual([]);
});

test("a look that hangs is given up, and does not keep a worker from stopping", async () => {
  const worker = await bench.launch({ drainMs: 200 });
  bench.provisioner().faults.onRevision = () => new Promise(() => undefined);
  const { revisionId } = await bench.createOne("cp");
  const isFree = () => bench.has("SELECT 1 FROM work_items WHERE object_id = $1 AND lease_until IS NULL", [revisionId]);
  await bench.until("it hangs", async () => bench.provisioner().calls.includes(`reconcile ${revisionId}`));
  const startedMs = performance.now();
  await worker.stop();
  expect(performance.now() - startedMs).toBeLessThan(15_000);
  expect(await isFree()).toBe(true);
  expect(bench.logged.some((line) => line.includes("is given up"))).toBe(true);
});

test("a worker that lacks a key says nothing of the istiod cluster, and calls it once the key has come", async () => {
  const sealingKeys = await mkdtemp(join(tmpdir(), "pilothouse-keys-"));
  const worker = await bench.launch({ sealingKeys });
  try {
    const isOpen = async () => (await bench.readCounter(worker, 'pilothouse_breaker_state{shard="i-a"}')) > 0;
    await bench.until("it calls nothing there", isOpen);
    expect(await bench.has("SELECT 1 FROM istiod_clusters WHERE healthy = false", [])).toBe(false);
    for (const name of await readdir(bench.keysFolder))
      await copyFile(join(bench.keysFolder, name), join(sealingKeys, name));
    await bench.until("it calls it again", async () => !(await isOpen()), 25_000);
  } finally {
    await worker.stop();
    await bench.seeder.query(
      "DELETE FROM sealing_keys k WHERE NOT EXISTS (SELECT 1 FROM sealed_secrets WHERE key_id = k.id)",
    );
    await rm(sealingKeys, { recursive: true, force: true });
  }
});

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
