import { randomUUID } from "node:crypto";
import { fleetEventSchema } from "@pilothouse/contract";
import { expect, test } from "vitest";
import {
  connectDatabase,
  createControlPlane,
  createPlatformKey,
  createRegion,
  type DomainError,
  eraseOldSamples,
  getFleetControlPlane,
  getUsage,
  getVersion,
  getVersionLine,
  getWork,
  listFleetControlPlanes,
  listFleetEvents,
  listPlatformAuditEntries,
  listRevisions,
  listVersions,
  readFleetEventsAfter,
  removeWorkerReport,
  sampleUsage,
  saveIstiodLoads,
  saveWorkerReport,
} from "../src/index.ts";
import {
  asPlatform,
  catchRefusal,
  makeConnectedCluster,
  makeIstiodCluster,
  makeTenant,
  type TestContext,
  useGround,
  waitUntilVisible,
} from "./support/fixture.ts";

const ground = useGround();
const report = {
  running: 1,
  sentinels: 2,
  corrections: 3,
  lostLeases: 4,
  retries: { cluster: 5, revision: 6 },
  breakers: [{ istiodCluster: "a", state: "open" as const }],
};

async function order(tenant: TestContext, name: string, version = "1.32.1"): Promise<{ id: string; revision: string }> {
  const { body } = await createControlPlane(tenant, { name, cluster: "shop", version, replicas: 2 });
  return { id: body.resource.id, revision: body.resource.revisions[0] ?? "" };
}

async function makeOrderer(): Promise<TestContext> {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  return tenant;
}

const say = (revision: string, type: string, status: string): Promise<number> => ground().owner.$executeRaw`
  INSERT INTO conditions (tenant_id, object_kind, object_id, type, status, reason, message, observed_generation, last_transition_at)
  SELECT tenant_id, 'revision', id, ${type}, ${status}, 'Seen', 'As it was seen.', 1, now() FROM revisions WHERE id = ${revision}`;

test("operators see the control planes of all tenants, with their places and the reasons", async () => {
  const istiodCluster = await makeIstiodCluster(ground());
  const tenants = [await makeOrderer(), await makeOrderer()];
  const ids: string[] = [];
  let seen = "";
  for (const tenant of tenants) {
    for (const name of ["mesh-a", "mesh-b"]) {
      const { id, revision } = await order(tenant, name);
      ids.push(id);
      seen = revision;
    }
  }
  await say(seen, "Ready", "False");
  await say(seen, "Proven", "True");
  await saveIstiodLoads(ground().worker, [{ revisionId: seen, proxies: 7, cpuMilli: null, memoryMib: 90 }]);
  const platform = asPlatform(ground());
  const first = await listFleetControlPlanes(platform, { limit: 3 });
  const second = await listFleetControlPlanes(platform, { limit: 3, cursor: first.nextCursor ?? "" });
  const all = [...first.items, ...second.items];
  expect(all.map(({ id }) => id)).toEqual(ids);
  expect(second.nextCursor).toBeNull();
  const [, other = "", , last = ""] = ids;
  const named = await listFleetControlPlanes(platform, { limit: 100, ids: [last, randomUUID(), other] });
  expect(named).toMatchObject({ items: [{ id: other }, { id: last }], nextCursor: null });
  expect(all[3]).toMatchObject({
    tenant: tenants[1]?.actor.tenantName,
    name: "mesh-b",
    cluster: "shop",
    seed: "seed-eu-1",
    seedRegion: "eu-1",
    phase: "Provisioning",
    ready: { status: "False" },
    operation: { kind: "control-plane.create" },
    revisions: [{ id: seen, istiodCluster, region: "eu-1", proxies: 7, replicas: 2 }],
  });
  expect(all[3]?.revisions[0]).not.toHaveProperty("placement");
  const placed = await getFleetControlPlane(platform, { id: ids[3] ?? "" });
  expect(placed.revisions[0]?.placement.istiodCluster).toBe(istiodCluster);
  expect(placed.revisions[0]?.conditions.map(({ type }) => type)).toEqual(["Proven", "Ready"]);
  expect((await catchRefusal(getFleetControlPlane(platform, { id: randomUUID() }))).code).toBe("NotFound");
  expect((await listVersions(platform, { limit: 50 })).items.map(({ name, revisions }) => [name, revisions])).toEqual([
    ["1.22-dev", 0],
    ["1.32.0", 0],
    ["1.32.1", 4],
  ]);
  expect((await getVersion(platform, { name: "1.32.1" })).revisions).toBe(4);
  expect((await getVersionLine(platform, { name: "1.32" })).revisions).toBe(4);
});

test("a tenant's key sees none of it, neither by the verbs nor by the functions behind them", async () => {
  const tenant = await makeTenant(ground());
  const verbs: (() => Promise<unknown>)[] = [
    () => listFleetControlPlanes(tenant, { limit: 5 }),
    () => getFleetControlPlane(tenant, { id: randomUUID() }),
    () => listFleetEvents(tenant, { limit: 5 }),
    () => readFleetEventsAfter(tenant, { after: "0-0", limit: 5 }),
    () => getUsage(tenant, { hours: 1, points: 10 }),
    () => getWork(tenant),
    () => listPlatformAuditEntries(tenant, { limit: 5 }),
  ];
  for (const verb of verbs) expect((await catchRefusal(verb())).code).toBe("Forbidden");
  await saveWorkerReport(ground().worker, "seen by nobody", report);
  await sampleUsage(ground().worker);
  const functions = [
    "list_fleet_control_planes(NULL, NULL, 9, NULL, true)",
    `list_fleet_conditions(ARRAY(SELECT DISTINCT object_id FROM conditions), NULL)`,
    "read_fleet_events(0, 0, 9)",
    "list_fleet_events(9223372036854775807, 0, 9)",
    "list_fleet_work(false, 9)",
    "list_live_operations(9)",
    "measure_work()",
    "count_revisions()",
    "worker_reports",
    "usage_samples",
  ];
  for (const name of functions) {
    const rows = await ground().web.$transaction(async (transaction) => {
      await transaction.$executeRaw`SELECT set_config('pilothouse.tenant', ${tenant.actor.tenantId}, true)`;
      return transaction.$queryRawUnsafe<unknown[]>(`SELECT * FROM ${name}`);
    });
    expect([name, rows]).toEqual([name, []]);
  }
});

test("events of all tenants come in order, say no more than what they are about, and one that commits late is not skipped", async () => {
  const platform = asPlatform(ground());
  const [a, b] = [await makeTenant(ground()), await makeTenant(ground())];
  const { position } = await readFleetEventsAfter(platform, { after: undefined, limit: 5 });
  const write = (tenant: TestContext, name: string): Promise<number> => ground().owner.$executeRaw`
    INSERT INTO events (tenant_id, type, object_kind, object_id, object_name, message)
    VALUES (${tenant.actor.tenantId}::uuid, 'cluster.changed', 'cluster', 'x', ${name}, 'a message of the tenant')`;
  const late = connectDatabase(ground().copy.migrator, 1);
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const lateOne = late.$transaction(async (transaction) => {
    await transaction.$executeRaw`
      INSERT INTO events (tenant_id, type, object_kind, object_id, object_name) VALUES (${a.actor.tenantId}::uuid, 'cluster.changed', 'cluster', 'x', 'late')`;
    begun.resolve();
    await held.promise;
  });
  await begun.promise;
  await write(b, "early");
  expect((await readFleetEventsAfter(platform, { after: position, limit: 5 })).events).toEqual([]);
  held.resolve();
  await lateOne;
  await late.$disconnect();
  await waitUntilVisible(ground(), (await listFleetEvents(platform, { limit: 1 })).items[0]?.id ?? "");
  const { events, more } = await readFleetEventsAfter(platform, { after: position, limit: 5 });
  expect([events.map(({ object }) => object.name), more]).toEqual([["late", "early"], false]);
  const { id, at, ...early } = fleetEventSchema.parse(events[1]);
  expect(early).toEqual({
    type: "cluster.changed",
    tenant: b.actor.tenantName,
    object: { kind: "cluster", id: "x", name: "early" },
  });
  expect(id).toMatch(/^\d+-\d+$/);
  expect(Date.parse(at)).toBeGreaterThan(0);
  expect((await readFleetEventsAfter(platform, { after: position, limit: 1 })).more).toBe(true);
  const page = await listFleetEvents(platform, { limit: 1 });
  const next = await listFleetEvents(platform, { limit: 1, cursor: page.nextCursor ?? "" });
  expect([...page.items, ...next.items].map(({ object }) => object.name)).toEqual(["early", "late"]);
});

test("a reader that was away for longer than events are kept is told so", async () => {
  const platform = asPlatform(ground());
  const resume = (after: string) => readFleetEventsAfter(platform, { after, limit: 5, isResumed: true });
  const tenant = await makeTenant(ground());
  await ground().owner.$executeRaw`
    INSERT INTO events (tenant_id, type, object_kind, object_id, object_name, xid, at)
    VALUES (${tenant.actor.tenantId}::uuid, 'cluster.changed', 'cluster', 'x', 'old', 3, now() - interval '40 days')`;
  expect(await resume("1-1")).toMatchObject({ events: [], hasGap: true });
  const newest = (await listFleetEvents(platform, { limit: 1 })).items[0]?.id ?? "";
  await ground().owner.$executeRaw`
    INSERT INTO events (tenant_id, type, object_kind, object_id, object_name) VALUES (${tenant.actor.tenantId}::uuid, 'cluster.changed', 'cluster', 'x', 'new')`;
  await waitUntilVisible(ground(), (await listFleetEvents(platform, { limit: 1 })).items[0]?.id ?? "");
  const kept = await resume(newest);
  expect(kept.hasGap).toBeUndefined();
  expect(kept.events.map(({ object }) => object.name)).toEqual(["new"]);
});

test("use is sampled once a minute, counts what istiods say, and takes silence for no zero", async () => {
  const name = await makeIstiodCluster(ground(), {
    region: "us-1",
    line: "1.22",
    capacity: { slots: 3, cpuMilli: 9_000, memoryMib: 9_000 },
  });
  const platform = asPlatform(ground());
  const read = async () =>
    (await getUsage(platform, { istiodCluster: name, hours: 1, points: 500 })).series[0]?.points ?? [];
  const again = () => ground().owner.$executeRaw`UPDATE usage_samples SET at = at - interval '1 minute'`;
  await sampleUsage(ground().worker);
  expect(await sampleUsage(ground().worker)).toBe(0);
  expect((await read()).at(-1)?.used).toEqual({ slots: 0, cpuMilli: 0, memoryMib: 0, proxies: 0 });
  const tenant = await makeOrderer();
  const { revision } = await order(tenant, "mesh", "1.22-dev");
  await again();
  await sampleUsage(ground().worker);
  expect((await read()).at(-1)).toMatchObject({
    capacity: { slots: 3, cpuMilli: 9_000, memoryMib: 9_000 },
    reserved: { slots: 1 },
    used: { slots: 0, cpuMilli: null, memoryMib: null, proxies: null },
  });
  await say(revision, "IstiodAvailable", "True");
  await saveIstiodLoads(ground().worker, [{ revisionId: revision, proxies: 12, cpuMilli: 40, memoryMib: 80 }]);
  await again();
  await sampleUsage(ground().worker);
  const points = await read();
  expect(points.at(-1)?.used).toEqual({ slots: 1, cpuMilli: 40, memoryMib: 80, proxies: 12 });
  expect(points.length).toBe(3);
  // An istiod that says more than there can be keeps nothing from being stored.
  const most = 2_000_000;
  const { revision: second } = await order(tenant, "other", "1.22-dev");
  await saveIstiodLoads(
    ground().worker,
    [revision, second].map((revisionId) => ({ revisionId, proxies: 1e300, cpuMilli: 1e300, memoryMib: 1e300 })),
  );
  await ground().owner.$executeRaw`DELETE FROM usage_samples WHERE at = date_trunc('minute', now())`;
  await sampleUsage(ground().worker);
  expect((await read()).at(-1)?.used).toMatchObject({ cpuMilli: most, memoryMib: most, proxies: most });
  await saveIstiodLoads(
    ground().worker,
    [revision, second].map((revisionId) => ({ revisionId, proxies: 6, cpuMilli: 20, memoryMib: 40 })),
  );
  await ground().owner.$executeRaw`DELETE FROM usage_samples WHERE at = date_trunc('minute', now())`;
  await sampleUsage(ground().worker);
  const coarse = await getUsage(platform, { istiodCluster: name, hours: 24, points: 2 });
  expect(coarse.stepSeconds).toBe(43_200);
  expect(coarse.series[0]?.points.at(-1)?.used.proxies).toBe(12);
  const unknown: DomainError = await catchRefusal(getUsage(platform, { istiodCluster: "no", hours: 1, points: 2 }));
  expect(unknown.code).toBe("NotFound");
  await ground().owner.$executeRaw`UPDATE usage_samples SET at = at - interval '31 days'`;
  await eraseOldSamples(ground().worker);
  expect(await ground().owner.usageSample.count()).toBe(0);
});

test("the number of proxies is written when it differs, and tells since when it is so", async () => {
  await makeIstiodCluster(ground());
  const tenant = await makeOrderer();
  const { revision } = await order(tenant, "mesh");
  const read = async () => (await listRevisions(tenant, { controlPlane: "mesh", limit: 1 })).items[0]?.proxies;
  const load = (proxies: number) => ({ revisionId: revision, proxies, cpuMilli: 1, memoryMib: 1 });
  expect(await read()).toBeNull();
  await saveIstiodLoads(ground().worker, [load(3), { ...load(9), revisionId: "gone" }]);
  const first = await read();
  expect(first?.connected).toBe(3);
  expect(Date.parse(first?.at ?? "")).toBeGreaterThan(0);
  const [before] = await ground().owner.$queryRaw<
    { xmin: string }[]
  >`SELECT xmin::text FROM revisions WHERE id = ${revision}`;
  await saveIstiodLoads(ground().worker, [load(3)]);
  expect(await read()).toEqual(first);
  const [after] = await ground().owner.$queryRaw<
    { xmin: string }[]
  >`SELECT xmin::text FROM revisions WHERE id = ${revision}`;
  expect(after).toEqual(before);
  await saveIstiodLoads(ground().worker, [load(0)]);
  expect(await read()).toMatchObject({ connected: 0 });
});

test("work is measured by kind, what fails is listed, and a worker that is silent is stale", async () => {
  const { owner, worker } = ground();
  await makeIstiodCluster(ground());
  const tenant = await makeOrderer();
  const { revision } = await order(tenant, "mesh");
  await owner.$executeRaw`UPDATE work_items SET next_reconcile_at = now() + interval '1 hour', failures = 0`;
  await owner.$executeRaw`
    UPDATE work_items SET next_reconcile_at = now() - interval '20 seconds', failures = 3 WHERE kind = 'revision' AND object_id = ${revision}`;
  await owner.$executeRaw`
    UPDATE work_items SET lease_until = now() + interval '8 seconds', lease_holder = 'w' WHERE kind = 'cluster' AND tenant_id = ${tenant.actor.tenantId}::uuid`;
  await owner.$executeRaw`DELETE FROM worker_reports`;
  await saveWorkerReport(worker, "one", report);
  await saveWorkerReport(worker, "two", report);
  await owner.$executeRaw`UPDATE worker_reports SET reported_at = now() - interval '50 seconds' WHERE id = 'two'`;
  const work = await getWork(asPlatform(ground()));
  const [clusters, revisions, sentinels] = work.kinds;
  expect(clusters).toMatchObject({ kind: "cluster", due: 0, held: 1, failing: 0, oldestSeconds: 0 });
  expect(revisions).toMatchObject({ kind: "revision", due: 1, held: 0, failing: 1 });
  expect(revisions?.oldestSeconds).toBeGreaterThan(19);
  expect(sentinels).toEqual({ kind: "sentinel", items: 0, due: 0, held: 0, failing: 0, oldestSeconds: 0 });
  const item = { kind: "revision", object: revision, tenant: tenant.actor.tenantName, failures: 3, heldBy: null };
  expect([work.waiting, work.failing]).toMatchObject([[item], [item]]);
  expect(work.operations.at(-1)).toMatchObject({ kind: "control-plane.create", object: "mesh" });
  expect(work.workers.map(({ id, isStale, corrections }) => [id, isStale, corrections])).toEqual([
    ["one", false, 3],
    ["two", true, 3],
  ]);
  await removeWorkerReport(worker, "one");
  expect((await getWork(asPlatform(ground()))).workers.map(({ id }) => id)).toEqual(["two"]);
});

test("the platform's audit names its keys", async () => {
  const platform = asPlatform(ground());
  const { body: key } = await createPlatformKey(platform, { name: "ci" });
  const actor = { ...platform.actor, principal: { kind: "key", id: key.id } as const };
  await createRegion({ ...platform, actor }, { name: "last", displayName: "L" });
  const { items, nextCursor } = await listPlatformAuditEntries(platform, { limit: 2 });
  expect(items.map((entry) => [entry.verb, entry.object.kind, entry.actor.name])).toEqual([
    ["create", "region", "ci"],
    ["createApiKey", "api-key", null],
  ]);
  const next = await listPlatformAuditEntries(platform, { limit: 2, cursor: nextCursor ?? "" });
  expect(next.items.map(({ id }) => id)).not.toContain(items[1]?.id);
});
