import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { readMoment } from "@pilothouse/provisioner";
import {
  boundWaits,
  claimWork,
  connectDatabase,
  type Database,
  findMissedWork,
  finishRevisionRemoval,
  type Lease,
  listDueWork,
  loadRevision,
  releaseWork,
  renewLeases,
  saveRevisionSighting,
  saveSentinelSighting,
} from "@pilothouse/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLeaseKeeper } from "../src/engine/lease-keeper.ts";
import { openSeeder, type Seeder } from "./support/seed.ts";
import { startTestDatabase, type TestDatabase } from "./support/test-database.ts";

let server: TestDatabase;
let seeder: Seeder;
let database: Database;
let other: Database;

beforeAll(async () => {
  server = await startTestDatabase();
  seeder = await openSeeder(server.urls.migrator);
  database = connectDatabase(server.urls.worker, 4);
  other = connectDatabase(server.urls.worker, 4);
}, 60_000);

afterAll(async () => {
  await Promise.all([database.$disconnect(), other.$disconnect(), seeder.close()]);
  await server.remove();
});

/** A work item of a tenant of its own. */
async function createItem(
  kind: "cluster" | "revision" = "cluster",
  shard = "",
): Promise<{ kind: typeof kind; objectId: string }> {
  const { id } = await seeder.createTenant();
  const objectId = randomUUID();
  await seeder.query("INSERT INTO work_items (kind, object_id, tenant_id, shard) VALUES ($1, $2, $3, $4)", [
    kind,
    objectId,
    id,
    shard,
  ]);
  return { kind, objectId };
}

async function claimOne(
  key: { kind: "cluster" | "revision"; objectId: string },
  by = database,
  holder = "one",
): Promise<Lease> {
  const [lease] = await claimWork(by, holder, [key]);
  if (lease === undefined) throw new Error("the lease was not to be had");
  return lease;
}

const expire = (objectId: string) =>
  seeder.query("UPDATE work_items SET lease_until = now() - interval '1 millisecond' WHERE object_id = $1", [objectId]);

test("of many that ask at once one gets the lease, and it is another fence each time", async () => {
  const key = await createItem();
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) => claimWork(index % 2 === 0 ? database : other, `w${index}`, [key])),
  );
  const [first, ...more] = answers.flat();
  expect(more).toEqual([]);
  expect(await claimWork(other, "late", [key])).toEqual([]);
  await expire(key.objectId);
  const second = await claimOne(key, other);
  expect(second.fence).toBe((first?.fence ?? 0n) + 1n);
});

test("a lease that is over can't be renewed, and is reported as lost once", async () => {
  const [kept, over] = [await claimOne(await createItem()), await claimOne(await createItem())];
  await expire(over.objectId);
  const { renewed, lost } = await renewLeases(database, [kept, over]);
  expect(renewed.map(({ objectId }) => objectId)).toEqual([kept.objectId]);
  expect(lost).toEqual([over]);
});

test("a row that is locked delays no renewal, and its lease is not lost", async () => {
  const [free, locked] = [await claimOne(await createItem()), await claimOne(await createItem())];
  await other.$transaction(async (transaction) => {
    await transaction.$executeRaw`SELECT 1 FROM work_items WHERE object_id = ${locked.objectId} FOR UPDATE`;
    const startedMs = performance.now();
    const { renewed, lost } = await renewLeases(database, [free, locked]);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(renewed.map(({ objectId }) => objectId)).toEqual([free.objectId]);
    expect(lost).toEqual([]);
  });
  expect((await renewLeases(database, [free, locked])).renewed).toHaveLength(2);
});

test("a wish during a lease makes the object due at its end; without one it waits", async () => {
  const key = await createItem();
  const lease = await claimOne(key);
  await seeder.query("UPDATE work_items SET wakes = wakes + 1, next_reconcile_at = now() WHERE object_id = $1", [
    key.objectId,
  ]);
  expect(await releaseWork(database, lease, { requeueAfterMs: 60_000, failures: 3 })).toBe(true);
  const again = await claimOne(key);
  expect(again.failures).toBe(3);
  await releaseWork(database, again, { requeueAfterMs: 60_000, failures: 0 });
  expect(await claimWork(database, "one", [key])).toEqual([]);
});

test("who lost a lease gives nothing back", async () => {
  const key = await createItem();
  const first = await claimOne(key);
  await expire(key.objectId);
  const second = await claimOne(key, other);
  expect(await releaseWork(database, first, { requeueAfterMs: 0, failures: 9 })).toBe(false);
  const [row] = await seeder.query<{ fence: bigint; failures: number }>(
    "SELECT fence, failures FROM work_items WHERE object_id = $1",
    [key.objectId],
  );
  expect(row).toEqual({ fence: second.fence, failures: 0 });
});

test("a look whose lease was not renewed in time is ended, one that took its longest time is not", async () => {
  const keeper = createLeaseKeeper(database, () => undefined);
  const ago = (ms: number) => {
    const { monotonicMs, wallMs } = readMoment();
    return { monotonicMs: monotonicMs - ms, wallMs: wallMs - ms };
  };
  const lease = await claimOne(await createItem());
  expect(keeper.hold(lease, ago(0), { mostMs: 60_000 }).isCancelled()).toBe(false);
  // As after a pause, or while the database was away: the lease may still be held, and calls were not made any more.
  expect(keeper.hold(lease, ago(7_000), { mostMs: 60_000 }).isCancelled()).toBe(true);
  expect(keeper.hold(lease, ago(7_000)).isCancelled()).toBe(true);
  expect(keeper.hold(lease, ago(5_200), { mostMs: 4_000 }).isCancelled()).toBe(false);
  await keeper.stop();
});

test("after the database's clock was set back, a lease of nobody ends in seconds and a holder keeps its own", async () => {
  const [gone, alive] = [await claimOne(await createItem()), await claimOne(await createItem())];
  const waiting = await createItem();
  const ids = [gone.objectId, alive.objectId];
  await seeder.query("UPDATE work_items SET lease_until = now() + interval '1 hour' WHERE object_id = ANY ($1)", [ids]);
  await seeder.query("UPDATE work_items SET next_reconcile_at = now() + interval '1 day' WHERE object_id = $1", [
    waiting.objectId,
  ]);
  expect(await boundWaits(database)).toBe(3);
  expect(await boundWaits(database)).toBe(0);
  const [row] = await seeder.query<{ ms: number }>(
    "SELECT max(extract(epoch FROM lease_until - now()) * 1000)::float8 AS ms FROM work_items WHERE object_id = ANY ($1)",
    [ids],
  );
  expect(row?.ms).toBeLessThanOrEqual(7_000);
  expect((await renewLeases(database, [alive])).renewed).toHaveLength(1);
  expect(await claimWork(other, "another", [gone, alive])).toEqual([]);
  // Times are kept in whole milliseconds: the one that was set may be a part of one ahead.
  await sleep(5);
  expect(await claimWork(other, "another", [waiting])).toHaveLength(1);
});

test("what is due is listed by shard, and what is missed only when it is still waiting", async () => {
  const shard = `s-${randomUUID()}`;
  const keys = [
    await createItem("revision", shard),
    await createItem("revision", shard),
    await createItem("revision", shard),
  ];
  const query = { kinds: ["revision"] as const, limit: 50, limitPerShard: 2, blockedShards: [] };
  const due = (await listDueWork(database, query)).filter((item) => item.shard === shard);
  expect(due).toHaveLength(2);
  expect(
    (await listDueWork(database, { ...query, blockedShards: [shard] })).filter((item) => item.shard === shard),
  ).toEqual([]);
  const [taken, ...left] = keys;
  if (taken === undefined) throw new Error("no item");
  const finding = findMissedWork(database, { ...query, limitPerShard: 9, overdueMs: 0 });
  await sleep(500);
  await claimOne(taken);
  const missed = (await finding).filter((item) => item.shard === shard).map(({ objectId }) => objectId);
  expect(missed.toSorted()).toEqual(left.map(({ objectId }) => objectId).toSorted());
});

test("a late write-back changes nothing; one in time changes what differs", async () => {
  const { id: tenantId } = await seeder.createTenant();
  await seeder.query("INSERT INTO sealing_keys (id, public_key) VALUES ($1, $2)", [randomUUID(), Buffer.alloc(32, 9)]);
  await seeder.query("INSERT INTO regions (name, display_name) VALUES ('r', 'r')");
  await seeder.query("INSERT INTO version_lines (name) VALUES ('1.32')");
  await seeder.query(
    `INSERT INTO versions (name, line, charts, image) VALUES ('1.32.1', '1.32', '{"base":"b","istiod":"i"}', '{"hub":"h","tag":"t","pullPolicy":"Never"}')`,
  );
  await seeder.query(
    "INSERT INTO istiod_clusters (name, region, zones, line, edge_addresses, capacity_slots, capacity_cpu_milli, capacity_memory_mib) VALUES ('i1', 'r', '{}', '1.32', '{}', 9, 9000, 9000)",
  );
  const clusterId = randomUUID();
  await seeder.query("INSERT INTO mesh_clusters (id, tenant_id, name, kind) VALUES ($1, $2, 'shop', 'managed')", [
    clusterId,
    tenantId,
  ]);
  const { revisionId, operationId } = await seeder.createControlPlane({
    tenantId,
    clusterId,
    name: "cp",
    version: "1.32.1",
    line: "1.32",
    istiodCluster: "i1",
  });
  const key = { kind: "revision", objectId: revisionId } as const;
  const late = await claimOne(key);
  await expire(revisionId);
  const lease = await claimOne(key, other);
  const work = await loadRevision(database, revisionId);
  if (work === undefined) throw new Error("no revision");
  const proven = { type: "Proven", status: "True", reason: "Proven", message: "It is." } as const;
  const count = async () =>
    (await seeder.query<{ n: number }>("SELECT count(*)::int AS n FROM events WHERE tenant_id = $1", [tenantId]))[0]?.n;

  expect(await saveRevisionSighting(database, late, work, { conditions: [proven] })).toBeUndefined();
  expect(await seeder.query("SELECT 1 FROM conditions WHERE object_id = $1", [revisionId])).toEqual([]);

  expect(await saveRevisionSighting(other, lease, work, { conditions: [proven] })).toBe("True");
  const [operation] = await seeder.query("SELECT state, reason FROM operations WHERE id = $1", [operationId]);
  expect(operation).toEqual({ state: "succeeded", reason: "Proven" });
  expect(await seeder.query("SELECT kind FROM work_items WHERE object_id = $1 ORDER BY kind", [revisionId])).toEqual([
    { kind: "revision" },
    { kind: "sentinel" },
  ]);

  const before = await count();
  const rows = () =>
    seeder.query("SELECT type, xmin::text FROM conditions WHERE object_id = $1 ORDER BY type", [revisionId]);
  const unchanged = await rows();
  await saveRevisionSighting(other, lease, (await loadRevision(other, revisionId)) ?? work, { conditions: [proven] });
  expect(await rows()).toEqual(unchanged);
  expect(await count()).toBe(before);

  const refuted = { ...proven, status: "False", reason: "WebhookRefused" } as const;
  expect(await saveRevisionSighting(other, lease, work, { conditions: [refuted] })).toBe("Unknown");
  const [held] = await seeder.query<{ status: string; last_known: { status: string } }>(
    "SELECT status, last_known FROM conditions WHERE object_id = $1 AND type = 'Proven'",
    [revisionId],
  );
  expect([held?.status, held?.last_known.status]).toEqual(["Unknown", "True"]);
  expect(await saveRevisionSighting(other, lease, work, { conditions: [refuted] })).toBe("False");

  const tried = (name: "admission" | "discovery", verdict: "proven" | "refuted", at: string) =>
    ({ name, verdict, latencyMs: 5, reason: verdict === "proven" ? null : "Refused", message: "m", at }) as const;
  const [first, second] = ["2026-01-31T12:00:00.000Z", "2026-01-31T12:10:00.000Z"] as const;
  const proofs = [tried("admission", "proven", first), tried("discovery", "proven", first)];
  await saveRevisionSighting(other, lease, work, { conditions: [proven], observed: { configHash: "h", proofs } });
  const failed = [tried("admission", "refuted", second)];
  const serving = { ...refuted, type: "Serving" } as const;
  await saveSentinelSighting(other, lease, work, { condition: serving, proofs: failed, wakeRevision: false });
  const [stored] = await seeder.query("SELECT observed FROM revisions WHERE id = $1", [revisionId]);
  expect(stored).toEqual({
    observed: {
      configHash: "h",
      proofs: [failed[0], proofs[1]],
      // When a way worked last outlives what fails later.
      provenAt: { admission: first, discovery: first },
    },
  });
});

test("of two last revisions that are removed at the same moment one ends their control plane", async () => {
  const [{ id: clusterId, tenant_id: tenantId } = { id: "", tenant_id: "" }] = await seeder.query<{
    id: string;
    tenant_id: string;
  }>("SELECT id, tenant_id FROM mesh_clusters LIMIT 1");
  // Each in a cluster of its own: the capacity of one they would give back one after the other anyway.
  await seeder.query(
    "INSERT INTO istiod_clusters (name, region, zones, line, edge_addresses, capacity_slots, capacity_cpu_milli, capacity_memory_mib) SELECT 'i2', region, zones, line, edge_addresses, capacity_slots, capacity_cpu_milli, capacity_memory_mib FROM istiod_clusters WHERE name = 'i1'",
  );
  const place = { tenantId, clusterId, version: "1.32.1", line: "1.32", istiodCluster: "i1" };
  for (let round = 0; round < 10; round += 1) {
    const { revisionId, controlPlaneId } = await seeder.createControlPlane({ ...place, name: `two${round}` });
    const second = `${revisionId.slice(0, -1)}-2`;
    await seeder.query(
      `INSERT INTO revisions (id, tenant_id, control_plane_id, version, line, istiod_cluster, namespace, hostname, cpu_milli, memory_mib, placement)
       SELECT $2, tenant_id, control_plane_id, version, line, 'i2', $2, $2, cpu_milli, memory_mib, placement FROM revisions WHERE id = $1`,
      [revisionId, second],
    );
    await seeder.query("INSERT INTO work_items (kind, object_id, tenant_id, shard) VALUES ('revision', $1, $2, 'i2')", [
      second,
      tenantId,
    ]);
    await seeder.deleteControlPlane(controlPlaneId);
    const ended = [revisionId, second].map(async (id, index) => {
      const by = index === 0 ? database : other;
      const [lease, work] = [await claimOne({ kind: "revision", objectId: id }, by), await loadRevision(by, id)];
      if (work === undefined) throw new Error("no revision");
      return finishRevisionRemoval(by, lease, work, { conditions: [], kept: [], leftovers: [] });
    });
    expect(await Promise.all(ended)).toEqual([true, true]);
    expect(await seeder.query("SELECT 1 FROM control_planes WHERE id = $1", [controlPlaneId])).toEqual([]);
  }
});
