import { readdir, stat } from "node:fs/promises";
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

test("connect, create, watch, delete and disconnect; nothing is left and no secret is in clear", async () => {
  const worker = await bench.launch();
  const { revisionId, operationId, controlPlaneId, clusterId, tenantId } = await bench.createOne("cp");
  await bench.until("it is Ready", () => bench.isState(operationId, "succeeded"));
  const steps = await bench.seeder.query<{ name: string }>(
    "SELECT name FROM operation_steps WHERE operation_id = $1::uuid ORDER BY position",
    [operationId],
  );
  expect(steps).toHaveLength(11);
  await bench.until("a sentinel watches", () => bench.isStatus(revisionId, "Serving", "True"));
  expect(bench.provisioner().openStreams()).toBe(1);
  expect(await bench.readCounter(worker, "pilothouse_sentinels_open")).toBe(1);
  expect(await bench.seeder.query("SELECT purpose FROM sealed_secrets WHERE tenant_id = $1::uuid", [tenantId])).toEqual(
    [{ purpose: "cluster-token" }],
  );

  await bench.seeder.deleteControlPlane(controlPlaneId);
  await bench.until(
    "the control plane is gone",
    async () => !(await bench.has("SELECT 1 FROM control_planes WHERE id = $1::uuid", [controlPlaneId])),
  );
  await bench.seeder.deleteCluster(clusterId);
  await bench.until(
    "the cluster is gone",
    async () => !(await bench.has("SELECT 1 FROM mesh_clusters WHERE id = $1::uuid", [clusterId])),
  );
  const ended = await bench.seeder.query<{ kind: string; state: string; message: string }>(
    "SELECT kind, state, message FROM operations WHERE tenant_id = $1::uuid ORDER BY created_at",
    [tenantId],
  );
  expect(ended.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
    "cluster.connect succeeded",
    "control-plane.create succeeded",
    "control-plane.delete succeeded",
    "cluster.disconnect succeeded",
  ]);
  expect(ended[2]?.message).toContain("Kept: CustomResourceDefinitions");
  const early = await bench.seeder.query(
    "SELECT kind, name FROM operations o JOIN operation_steps s ON s.operation_id = o.id WHERE o.tenant_id = $1::uuid AND s.finished_at < o.started_at",
    [tenantId],
  );
  expect(early).toEqual([]);
  await bench.until("the sentinel is gone", async () => bench.provisioner().openStreams() === 0);
  for (const table of ["work_items", "conditions", "sealed_secrets", "revisions"])
    expect(await bench.seeder.query(`SELECT 1 FROM ${table} WHERE tenant_id = $1::uuid`, [tenantId])).toEqual([]);
  const events = await bench.seeder.query<{ text: string }>(
    "SELECT row_to_json(e)::text AS text FROM events e WHERE tenant_id = $1::uuid",
    [tenantId],
  );
  const seen = [...events.map(({ text }) => text), ...bench.logged].join("\n");
  expect(seen).not.toMatch(/token-of-|kubeconfig of|token-i-/);
  expect(await bench.readCounter(worker, "pilothouse_sweep_corrections_total")).toBe(0);
});

test("private keys are readable by their owner alone", async () => {
  const names = await readdir(bench.keysFolder);
  expect(names).toHaveLength(1);
  expect((await stat(join(bench.keysFolder, names[0] ?? ""))).mode & 0o777).toBe(0o600);
});

test("a refused kubeconfig fails the operation and is erased; a passing fault is tried again; an expired one fails", async () => {
  await bench.launch();
  const { id: tenantId } = await bench.seeder.createTenant();
  bench.provisioner().faults.onConnect = () => {
    throw new ProvisionerError("user", "RightsMissing", "The user may not do that.");
  };
  const refused = await bench.seeder.connectCluster(tenantId, { name: "refused" });
  await bench.until("it is refused", () =>
    bench.has("SELECT 1 FROM operations WHERE object_id = $1 AND state = 'failed' AND reason = 'RightsMissing'", [
      refused,
    ]),
  );
  expect(await bench.seeder.query("SELECT 1 FROM sealed_secrets WHERE object_id = $1", [refused])).toEqual([]);
  // Whoever follows the cluster learns that it is not Connecting any more, though it may have been False before.
  expect(
    await bench.has("SELECT 1 FROM events WHERE type = 'cluster.connect-failed' AND object_id = $1", [refused]),
  ).toBe(true);

  let tries = 0;
  bench.provisioner().faults.onConnect = () => {
    tries += 1;
    if (tries < 2) throw new ProvisionerError("transient", "ConnectionRefused", "Not now.");
  };
  const later = await bench.seeder.connectCluster(tenantId, { name: "later", kubeconfig: "another" });
  await bench.until("it says what it waits for", () =>
    bench.has("SELECT 1 FROM operations WHERE object_id = $1 AND reason = 'ConnectionRefused'", [later]),
  );
  await bench.until("it is connected", () => bench.isStatus(later, "Connected", "True"));

  bench.provisioner().faults.onConnect = () => {
    throw new ProvisionerError("transient", "ConnectionRefused", "Not now.");
  };
  const expiring = await bench.seeder.connectCluster(tenantId, { name: "expiring", lifetime: "1 second" });
  await bench.until("its time is over", () =>
    bench.has("SELECT 1 FROM operations WHERE object_id = $1 AND reason = 'KubeconfigExpired' AND state = 'failed'", [
      expiring,
    ]),
  );
});

test("Pilothouse's token is renewed at 60 % of its life, and the renewal is visible", async () => {
  await bench.launch();
  bench.provisioner().faults.tokenLifetimeMs = 4_000;
  const { id: tenantId } = await bench.seeder.createTenant();
  const clusterId = await bench.seeder.connectCluster(tenantId);
  await bench.until("it is connected", () => bench.isStatus(clusterId, "Connected", "True"));
  const [first] = await bench.seeder.query<{ id: string }>("SELECT id FROM sealed_secrets WHERE object_id = $1", [
    clusterId,
  ]);
  // The look that connects says when the next one is only after it has stored the connection.
  await bench.until("the look that connected it has ended", () =>
    bench.has("SELECT 1 FROM work_items WHERE object_id = $1 AND lease_holder IS NULL", [clusterId]),
  );
  await bench.seeder.query(
    "UPDATE work_items SET next_reconcile_at = now() + interval '2.6 seconds' WHERE object_id = $1",
    [clusterId],
  );
  await bench.until("it is renewed", () =>
    bench.has("SELECT 1 FROM events WHERE type = 'cluster.token-renewed' AND object_id = $1", [clusterId]),
  );
  const secrets = await bench.seeder.query<{ id: string }>("SELECT id FROM sealed_secrets WHERE object_id = $1", [
    clusterId,
  ]);
  expect(secrets).toHaveLength(1);
  expect(secrets[0]?.id).not.toBe(first?.id);
});

test("a killed istiod is False with its reason, and Ready by itself when it is back", async () => {
  await bench.launch();
  const { revisionId } = await bench.createOne("cp");
  await bench.until("a sentinel watches", () => bench.isStatus(revisionId, "Serving", "True"));
  bench.provisioner().faults.isIstiodDown = () => true;
  bench.provisioner().breakStreams(revisionId);
  expect(await bench.until("Ready is False", () => bench.isStatus(revisionId, "Ready", "False"))).toBeLessThan(5_000);
  await bench.until("the reconcile has looked, too", () => bench.isStatus(revisionId, "IstiodAvailable", "False"));
  delete bench.provisioner().faults.isIstiodDown;
  expect(await bench.until("Ready again", () => bench.isStatus(revisionId, "Ready", "True"))).toBeLessThan(10_000);
  expect(await bench.isStatus(revisionId, "Serving", "True")).toBe(true);
});

test("a stream that is lost once and opens again changes no condition", async () => {
  await bench.launch();
  const { revisionId } = await bench.createOne("cp");
  await bench.until("a sentinel watches", () => bench.isStatus(revisionId, "Serving", "True"));
  const [before] = await bench.seeder.query<{ n: bigint }>("SELECT max(id) AS n FROM events");
  bench.provisioner().breakStreams(revisionId);
  await bench.until("it is open again", async () => bench.provisioner().openStreams() === 1);
  await sleep(1_500);
  expect(await bench.seeder.query("SELECT type FROM events WHERE id > $1", [before?.n])).toEqual([]);
});

test("what can't be seen is Unknown with what was known last, and nothing is changed for it", async () => {
  await bench.launch({
    times: {
      sentinel: {
        admissionMs: 300,
        proofMs: 600_000,
        closerLookMs: 50,
        retryMs: [200, 400, 400],
        streamTimeoutMs: 1_000,
        proofTimeoutMs: 1_000,
      },
    },
  });
  const { revisionId } = await bench.createOne("cp");
  await bench.until("a sentinel watches", () => bench.isStatus(revisionId, "Serving", "True"));
  bench.provisioner().faults.isMeshHidden = () => true;
  await bench.until("it is Unknown", () => bench.isStatus(revisionId, "Serving", "Unknown"));
  const [row] = await bench.seeder.query<{ last_known: { status: string } }>(
    "SELECT last_known FROM conditions WHERE object_id = $1 AND type = 'Serving'",
    [revisionId],
  );
  expect(row?.last_known.status).toBe("True");
  expect(bench.provisioner().calls.filter((call) => call.startsWith("remove"))).toEqual([]);
  delete bench.provisioner().faults.isMeshHidden;
  await bench.until("it is seen again", () => bench.isStatus(revisionId, "Ready", "True"));
});

test("a dead istiod cluster opens its breaker, costs others nothing, and goes on by itself", async () => {
  const worker = await bench.launch({
    times: { health: { intervalMs: 15_000, timeoutMs: 500, closerLookMs: 100, halfOpenAfterMs: 400 } },
  });
  const { tenantId, clusterId } = await bench.createOne("warm", "i-b");
  bench.provisioner().faults.isClusterDown = (name) => name === "i-a";
  const dead = [];
  for (let index = 0; index < 12; index += 1)
    dead.push(
      await bench.seeder.createControlPlane({
        tenantId,
        clusterId,
        name: `d${index}`,
        version: "1.32.1",
        line: "1.32",
        istiodCluster: "i-a",
      }),
    );
  await bench.until(
    "the breaker is open",
    async () => (await bench.readCounter(worker, 'pilothouse_breaker_state{shard="i-a"}')) > 0,
  );
  await bench.until("its health is written", () =>
    bench.has(
      "SELECT 1 FROM istiod_clusters WHERE name = 'i-a' AND healthy = false AND health_message LIKE '%refuses%'",
      [],
    ),
  );
  await bench.until(
    "what was under way there has ended",
    async () => !(await bench.has("SELECT 1 FROM work_items WHERE shard = 'i-a' AND lease_until > now()", [])),
  );
  const callsBefore = bench.provisioner().calls.length;
  const alive = await bench.seeder.createControlPlane({
    tenantId,
    clusterId,
    name: "alive",
    version: "1.32.1",
    line: "1.32",
    istiodCluster: "i-b",
  });
  expect(await bench.until("another is Ready", () => bench.isState(alive.operationId, "succeeded"))).toBeLessThan(
    1_500,
  );
  expect(
    bench
      .provisioner()
      .calls.slice(callsBefore)
      .filter((call) => /reconcile d\d/.test(call)),
  ).toEqual([]);
  const [late, ...inTime] = dead;
  if (late === undefined) throw new Error("nothing was ordered");
  await bench.seeder.query(
    "UPDATE operations SET created_at = created_at - interval '16 minutes' WHERE id = $1::uuid",
    [late.operationId],
  );
  await bench.until("an order whose time is over fails, though its istiod cluster is not called", () =>
    bench.has("SELECT 1 FROM operations WHERE id = $1::uuid AND state = 'failed' AND reason = 'NotReadyInTime'", [
      late.operationId,
    ]),
  );
  delete bench.provisioner().faults.isClusterDown;
  await bench.until("it becomes Ready all the same", () => bench.isStatus(late.revisionId, "Ready", "True"));
  for (const { operationId } of inTime) await bench.until("it goes on", () => bench.isState(operationId, "succeeded"));
  expect(bench.provisioner().mostRunning.get("i-a")).toBeLessThanOrEqual(3);
  await bench.until("it is healthy", () =>
    bench.has("SELECT 1 FROM istiod_clusters WHERE name = 'i-a' AND healthy", []),
  );
});

test("a removal without its istiod cluster ends when its time is over, and says what is left", async () => {
  await bench.launch({
    times: { health: { intervalMs: 15_000, timeoutMs: 500, closerLookMs: 100, halfOpenAfterMs: 400 } },
  });
  const { controlPlaneId, revisionId, operationId } = await bench.createOne("cp");
  await bench.until("it is Ready", () => bench.isState(operationId, "succeeded"));
  bench.provisioner().faults.isClusterDown = (name) => name === "i-a";
  await bench.seeder.deleteControlPlane(controlPlaneId, "4 seconds");
  await bench.until("it waits", () => bench.isStatus(revisionId, "Removed", "Unknown"));
  await bench.until(
    "it is gone",
    async () => !(await bench.has("SELECT 1 FROM control_planes WHERE id = $1::uuid", [controlPlaneId])),
  );
  const [operation] = await bench.seeder.query<{ state: string; message: string }>(
    "SELECT state, message FROM operations WHERE object_id = $1 AND kind = 'control-plane.delete'",
    [controlPlaneId],
  );
  expect(operation?.state).toBe("succeeded");
  expect(operation?.message).toContain(`kubectl delete namespace ${revisionId}`);
});

test("a look that fails is tried again after waits that grow, and each failure is counted", async () => {
  const worker = await bench.launch();
  let looks = 0;
  bench.provisioner().faults.onRevision = () => {
    looks += 1;
    if (looks <= 2) throw new TypeError("a fault of the program");
  };
  const { operationId, revisionId } = await bench.createOne("cp");
  await bench.until("it failed", () =>
    bench.has("SELECT 1 FROM work_items WHERE object_id = $1 AND failures = 2", [revisionId]),
  );
  await bench.until("it is Ready", () => bench.isState(operationId, "succeeded"));
  expect(await bench.readCounter(worker, "pilothouse_retries_total")).toBe(2);
  await bench.until("its failures are forgotten", () =>
    bench.has("SELECT 1 FROM work_items WHERE object_id = $1 AND kind = 'revision' AND failures = 0", [revisionId]),
  );
});

test("istiods are asked for their proxies, use is sampled, and the worker says how it gets on", async () => {
  bench.provisioner().faults.proxies = 3;
  const worker = await bench.launch({ times: { loadMs: 200 } });
  const { revisionId } = await bench.createOne("cp");
  const isConnected = (count: number) =>
    bench.has("SELECT 1 FROM revisions WHERE id = $1 AND (observed -> 'proxies' ->> 'connected')::int = $2::int", [
      revisionId,
      count,
    ]);
  await bench.until("three are connected", () => isConnected(3));
  bench.provisioner().faults.proxies = 5;
  await bench.until("five are connected", () => isConnected(5));
  // What a reconcile writes back takes the place of nothing else that was observed.
  await bench.seeder.query(
    "UPDATE work_items SET next_reconcile_at = now(), wakes = wakes + 1 WHERE kind = 'revision'",
  );
  await bench.until("a load is known", () =>
    bench.has("SELECT 1 FROM istiod_loads WHERE revision_id = $1 AND cpu_milli > 0 AND memory_mib = 128", [revisionId]),
  );
  expect(await isConnected(5)).toBe(true);
  bench.provisioner().faults.areLoadsHidden = true;
  await bench.until("it is not known any more", () =>
    bench.has("SELECT 1 FROM revisions WHERE id = $1 AND NOT observed ? 'proxies'", [revisionId]),
  );
  bench.provisioner().faults.areLoadsHidden = false;
  await bench.until("five are connected again", () => isConnected(5));
  await bench.until("use was sampled", () => bench.has("SELECT 1 FROM usage_samples WHERE istiod_cluster = 'i-a'", []));
  const reported = () =>
    bench.seeder.query<{ report: unknown }>("SELECT report FROM worker_reports WHERE report -> 'sentinels' = '1'", []);
  await bench.until("it has reported", async () => (await reported()).length === 1, 20_000);
  const [{ report } = { report: undefined }] = await reported();
  expect(report).toMatchObject({
    corrections: 0,
    lostLeases: 0,
    retries: { cluster: 0, revision: 0 },
    breakers: [
      { istiodCluster: "i-a", state: "closed" },
      { istiodCluster: "i-b", state: "closed" },
    ],
  });
  await worker.stop();
  expect(await bench.seeder.query("SELECT 1 FROM worker_reports", [])).toEqual([]);
});
