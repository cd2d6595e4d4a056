import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  changeControlPlane,
  connectDatabase,
  createControlPlane,
  createJobQueue,
  type Database,
  deleteControlPlane,
  DomainError,
  getOperation,
  type JobQueue,
  type RequestContext,
} from "@pilothouse/core";
import { ProvisionerError } from "@pilothouse/provisioner";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Bench, openBench } from "./support/bench.ts";

let bench: Bench;
let database: Database;
let queue: JobQueue;

beforeAll(async () => {
  bench = await openBench();
  database = connectDatabase(bench.server.urls.web, 10);
  queue = createJobQueue({ databaseUrl: bench.server.urls.web });
});
afterEach(() => bench.clear());
afterAll(async () => {
  await Promise.all([database.$disconnect(), queue.close()]);
  await bench.remove();
});

/** What the web application would ask as, for a tenant whose cluster `shop` is connected. */
async function openTenant(): Promise<RequestContext> {
  const { id: tenantId, name: tenantName } = await bench.seeder.createTenant();
  const clusterId = await bench.seeder.connectCluster(tenantId);
  await bench.until("the cluster is connected", () => bench.isStatus(clusterId, "Connected", "True"));
  const actor = {
    principal: { kind: "key", id: randomUUID() },
    tenantId,
    tenantName,
    role: "owner",
    requestId: randomUUID(),
  } as const;
  return { database, actor, wake: queue.wake, config: { domain: "cp.example.test" } };
}

const order = (name: string) => ({ name, cluster: "shop", line: "1.32", replicas: 1 });

/** Code of the refusal that a verb ends with; "" when it succeeds. */
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "",
    (error: unknown) => {
      if (error instanceof DomainError) return error.code;
      throw error;
    },
  );

async function expectNothingLeft(): Promise<void> {
  for (const table of ["control_planes", "revisions"])
    expect(await bench.seeder.query(`SELECT * FROM ${table}`)).toEqual([]);
  expect(await bench.seeder.query("SELECT * FROM work_items WHERE kind <> 'cluster'")).toEqual([]);
  expect(await bench.seeder.query("SELECT * FROM conditions WHERE object_kind <> 'cluster'")).toEqual([]);
  expect(
    await bench.seeder.query(
      "SELECT name FROM istiod_clusters WHERE (reserved_slots, reserved_cpu_milli, reserved_memory_mib) <> (0, 0, 0)",
    ),
  ).toEqual([]);
  expect([...bench.provisioner().revisions]).toEqual([]);
  await bench.until("no sentinel watches", async () => bench.provisioner().openStreams() === 0);
}

test("deleted while a look at it goes on: what that look saw makes nothing Ready, and it ends deleted", async () => {
  await bench.launch();
  const tenant = await openTenant();
  const gate = Promise.withResolvers<undefined>();
  bench.provisioner().faults.onRevision = () => gate.promise;
  const { body: made } = await createControlPlane(tenant, order("mesh"));
  const [revision = ""] = made.resource.revisions;
  await bench.until("it is being looked at", async () => bench.provisioner().calls.includes(`reconcile ${revision}`));
  const { body: removed } = await deleteControlPlane(tenant, { name: "mesh" });
  expect(await codeOf(changeControlPlane(tenant, { name: "mesh", ifMatch: "*", body: { replicas: 2 } }))).toBe(
    "BeingDeleted",
  );
  gate.resolve(undefined);
  await bench.until("it is deleted", () => bench.isState(removed.operation.id, "succeeded"));
  expect(await getOperation(tenant, { id: made.operation.id })).toMatchObject({
    state: "superseded",
    reason: "Superseded",
    steps: [],
  });
  expect(bench.provisioner().calls.filter((call) => call.endsWith(revision))).toEqual([
    `reconcile ${revision}`,
    `remove ${revision}`,
  ]);
  const events = await bench.seeder.query<{ type: string }>("SELECT type FROM events WHERE object_id = $1", [
    made.operation.id,
  ]);
  expect(events.map(({ type }) => type)).toEqual(["operation.created", "operation.superseded"]);
  await expectNothingLeft();
});

test("changed while a look at it goes on: the change is looked at next, and is what ends its operation", async () => {
  await bench.launch();
  const tenant = await openTenant();
  const { body: made } = await createControlPlane(tenant, order("mesh"));
  const [revision = ""] = made.resource.revisions;
  await bench.until("it is watched", () => bench.isStatus(revision, "Serving", "True"));
  const gate = Promise.withResolvers<undefined>();
  bench.provisioner().faults.onRevision = () => gate.promise;
  const looks = () => bench.provisioner().calls.filter((call) => call === `reconcile ${revision}`).length;
  const before = looks();
  await bench.seeder.query(
    "UPDATE work_items SET wakes = wakes + 1, next_reconcile_at = now() WHERE object_id = $1 AND kind = 'revision'",
    [revision],
  );
  await bench.until("it is being looked at", async () => looks() > before);
  const { body: changed } = await changeControlPlane(tenant, { name: "mesh", ifMatch: "*", body: { replicas: 3 } });
  if (!("operation" in changed) || changed.operation === null || typeof changed.operation === "string")
    throw new Error("nothing had to change");
  gate.resolve(undefined);
  const { id } = changed.operation;
  await bench.until("the change is made", () => bench.isState(id, "succeeded"));
  // It was Ready all the time; that it is not Changing any more is told all the same.
  expect(
    await bench.has("SELECT 1 FROM events WHERE type = 'control-plane.applied' AND object_id = $1", [made.resource.id]),
  ).toBe(true);
  // The look that had begun with one istiod is not the one that ended it.
  expect(looks()).toBeGreaterThanOrEqual(before + 2);
  expect(
    await bench.has(
      "SELECT 1 FROM revisions WHERE id = $1 AND observed_generation = 2 AND observed->>'configHash' = 'r3'",
      [revision],
    ),
  ).toBe(true);
});

/** Thirty at once wait for one another: on a busy machine longer than a request does. Whoever is told so asks again. */
async function again<Result>(ask: () => Promise<Result>, tries = 5): Promise<Result> {
  try {
    return await ask();
  } catch (error) {
    if (tries > 1 && error instanceof DomainError && error.code === "TookTooLong") return again(ask, tries - 1);
    throw error;
  }
}

test("ordered, changed and deleted at any moment of any look: each ends deleted, and nothing of them stays", async () => {
  const worker = await bench.launch();
  const tenant = await openTenant();
  bench.provisioner().faults.onRevision = async () => {
    await sleep(Math.random() * 250);
    if (Math.random() < 0.1) throw new ProvisionerError("transient", "ConnectionRefused", "Not now.");
  };
  const live = async (name: string) => {
    const { body } = await again(() => createControlPlane(tenant, order(name)));
    await sleep(Math.random() * 600);
    const change = (replicas: number) =>
      codeOf(again(() => changeControlPlane(tenant, { name, ifMatch: "*", body: { replicas } })));
    const changed = await change(2);
    await sleep(Math.random() * 300);
    const removal = await again(() => deleteControlPlane(tenant, { name }));
    const late = await change(3);
    return { created: body.operation.id, changed, removed: removal.body.operation.id, late };
  };
  const lives = await Promise.all(Array.from({ length: 30 }, (_, index) => live(`cp-${index}`)));
  for (const { removed } of lives)
    await bench.until("it is deleted", () => bench.isState(removed, "succeeded"), 30_000);
  expect(["", "OperationInProgress"]).toEqual(expect.arrayContaining(lives.map(({ changed }) => changed)));
  expect(["BeingDeleted", "NotFound"]).toEqual(expect.arrayContaining(lives.map(({ late }) => late)));
  const ends = await bench.seeder.query<{ kind: string; state: string; count: number }>(
    "SELECT kind, state, count(*)::int AS count FROM operations WHERE kind LIKE 'control-plane.%' GROUP BY kind, state ORDER BY kind, state",
  );
  const changes = lives.filter(({ changed }) => changed === "").length;
  const count = (kind: string) =>
    ends.filter((end) => end.kind === `control-plane.${kind}`).reduce((sum, end) => sum + end.count, 0);
  expect([count("create"), count("change"), count("delete")]).toEqual([lives.length, changes, lives.length]);
  expect([...new Set(ends.map(({ state }) => state))].toSorted()).toEqual(["succeeded", "superseded"]);
  await expectNothingLeft();
  expect(bench.logged.filter((line) => line.startsWith("error") || line.includes("deadlock"))).toEqual([]);
  expect(await bench.readCounter(worker, "pilothouse_sweep_corrections_total")).toBe(0);
}, 90_000);
