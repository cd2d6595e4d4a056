import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { jobKey, queueName } from "@pilothouse/contract";
import { queueSchema } from "@pilothouse/core";
import { createPostgresBackend, Queue } from "bullmq";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Bench, openBench } from "./support/bench.ts";

let bench: Bench;
let children: ChildProcess[] = [];

describe.for(["Postgres", "Redis"] as const)("with the queue on %s", (store) => {
  beforeAll(async () => {
    bench = await openBench(store);
  });
  afterEach(async () => {
    for (const child of children) child.kill("SIGKILL");
    children = [];
    await bench.clear();
  });
  afterAll(async () => {
    await bench.remove();
  });

  test("a job makes a worker look at once, and one that nobody can read harms nothing", async () => {
    await bench.launch();
    const { id: tenantId } = await bench.seeder.createTenant();
    const queue =
      bench.redisUrl === undefined
        ? new Queue(
            queueName,
            { connection: { connectionString: bench.server.urls.web, schema: queueSchema, migrate: false } },
            createPostgresBackend,
          )
        : new Queue(queueName, { connection: { url: bench.redisUrl } });
    await queue.add("job", { nonsense: true });
    const clusterId = await bench.seeder.connectCluster(tenantId);
    const job = { kind: "cluster", id: clusterId } as const;
    await queue.add("job", job, { deduplication: { id: jobKey(job), keepLastIfActive: true } });
    await bench.until("it is connected", () => bench.isStatus(clusterId, "Connected", "True"));
    await bench.until("both jobs are done", async () => (await queue.count()) === 0);
    expect(bench.logged.filter((line) => line.includes("unknown form"))).toHaveLength(1);
    await queue.close();
  });

  test("a killed worker's objects move again within 10 s", async () => {
    const setup = await bench.launch();
    const { tenantId, clusterId } = await bench.createOne("warm");
    await setup.stop();
    const { child, lines } = await startChild(60_000);
    const made = await bench.seeder.createControlPlane({
      tenantId,
      clusterId,
      name: "cp",
      version: "1.32.1",
      line: "1.32",
      istiodCluster: "i-a",
    });
    await bench.until("it is being looked at", async () => lines.includes(`look ${made.revisionId}`));
    await sleep(3_000);
    child.kill("SIGKILL");
    await once(child, "close");
    const worker = await bench.launch();
    expect(await bench.until("it is Ready", () => bench.isState(made.operationId, "succeeded"))).toBeLessThan(10_000);
    expect(await bench.readCounter(worker, "pilothouse_sweep_corrections_total")).toBe(0);
  });

  test("a worker that is paused past its lease writes nothing when it wakes up", async () => {
    const setup = await bench.launch();
    const { tenantId, clusterId } = await bench.createOne("warm");
    await setup.stop();
    const { child, lines } = await startChild(500);
    const made = await bench.seeder.createControlPlane({
      tenantId,
      clusterId,
      name: "cp",
      version: "1.32.1",
      line: "1.32",
      istiodCluster: "i-a",
    });
    await bench.until("it is being looked at", async () => lines.includes(`look ${made.revisionId}`));
    child.kill("SIGSTOP");
    await bench.launch();
    await bench.until("the other one has done it", () => bench.isState(made.operationId, "succeeded"));
    await bench.until("it is free", () =>
      bench.has("SELECT 1 FROM work_items WHERE object_id = $1 AND kind = 'revision' AND lease_until IS NULL", [
        made.revisionId,
      ]),
    );
    const rows = () =>
      bench.seeder.query(
        "SELECT kind, object_id, fence, failures, next_reconcile_at, xmin::text FROM work_items WHERE object_id = $1 AND kind = 'revision'",
        [made.revisionId],
      );
    const conditions = () =>
      bench.seeder.query(
        "SELECT type, xmin::text FROM conditions WHERE object_id = $1 AND type <> 'Serving' ORDER BY type",
        [made.revisionId],
      );
    // Proofs and proxies are counted by the one that is awake.
    const others = () =>
      bench.seeder.query(
        `SELECT id::text, xmin::text FROM operations WHERE object_id = $1
         UNION ALL SELECT name, xmin::text FROM operation_steps WHERE operation_id::text = $3
         UNION ALL SELECT id, md5((to_jsonb(revisions) - 'observed')::text || (observed - 'proofs' - 'proxies')::text) FROM revisions WHERE id = $2
         UNION ALL SELECT id::text, xmin::text FROM events WHERE object_id IN ($1, $2, $3) ORDER BY 1, 2`,
        [made.controlPlaneId, made.revisionId, made.operationId],
      );
    await bench.until("a sentinel watches", () => bench.isStatus(made.revisionId, "Serving", "True"));
    const before = [await rows(), await conditions(), await others()];
    child.kill("SIGCONT");
    await sleep(2_000);
    expect([await rows(), await conditions(), await others()]).toEqual(before);
    // It did wake up, and found that it had nothing to say.
    expect(lines.filter((line) => line === "warn a look failed").length).toBeGreaterThan(0);
  }, 40_000);

  test("a worker lives through a restart of its database", async () => {
    const worker = await bench.launch();
    const { tenantId, clusterId } = await bench.createOne("warm");
    await bench.server.stop();
    await sleep(1_500);
    await bench.server.start();
    const { operationId } = await bench.seeder.createControlPlane({
      tenantId,
      clusterId,
      name: "cp",
      version: "1.32.1",
      line: "1.32",
      istiodCluster: "i-a",
    });
    await bench.until("it is Ready", () => bench.isState(operationId, "succeeded"), 20_000);
    await bench.until(
      "it says that it is ready",
      async () => (await fetch(`http://127.0.0.1:${worker.port}/readyz`)).ok,
    );
    expect(await bench.readCounter(worker, "pilothouse_sweep_corrections_total")).toBe(0);
  }, 60_000);

  test("a worker that is told to stop ends its looks and gives its leases back", async () => {
    const worker = await bench.launch();
    const { revisionId, tenantId, clusterId } = await bench.createOne("watched");
    await bench.until("a sentinel watches", () => bench.isStatus(revisionId, "Serving", "True"));
    bench.provisioner().faults.onRevision = async () => sleep(700);
    const made = await bench.seeder.createControlPlane({
      tenantId,
      clusterId,
      name: "cp",
      version: "1.32.1",
      line: "1.32",
      istiodCluster: "i-a",
    });
    await bench.until("it is being looked at", async () =>
      bench.provisioner().calls.includes(`reconcile ${made.revisionId}`),
    );
    await worker.stop();
    expect(await bench.isState(made.operationId, "succeeded")).toBe(true);
    expect(await bench.seeder.query("SELECT kind FROM work_items WHERE lease_until IS NOT NULL")).toEqual([]);
    expect(bench.provisioner().openStreams()).toBe(0);
  });
});

async function startChild(lookMs: number): Promise<{ child: ChildProcess; lines: string[] }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "support/fake-worker.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  const { server, keysFolder: sealingKeys, redisUrl } = bench;
  child.stdin.end(JSON.stringify({ databaseUrl: server.urls.worker, sealingKeys, lookMs, redisUrl }));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  await bench.until("the other worker runs", async () => lines.includes("started"));
  return { child, lines };
}
