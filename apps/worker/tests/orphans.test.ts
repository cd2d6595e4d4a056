import { connectDatabase } from "@pilothouse/core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { readKeyRing } from "../src/key-ring.ts";
import { createMetrics } from "../src/metrics.ts";
import { createJanitor } from "../src/upkeep/janitor.ts";
import { type Bench, openBench } from "./support/bench.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await openBench();
});
afterEach(() => bench.clear());
afterAll(() => bench.remove());

test("the janitor reports a namespace that no row wants, and removes it only when that is wished and it is this installation's", async () => {
  const { id: tenantId } = await bench.seeder.createTenant();
  const { revisions, owners } = bench.provisioner();
  for (const id of ["orphan-1-32-abcde", "foreign-1-32-abcde"]) revisions.add(id);
  const clusterId = await bench.seeder.connectCluster(tenantId);
  owners.set("orphan-1-32-abcde", clusterId);
  owners.set("foreign-1-32-abcde", "0192d3f0-0000-7000-8000-000000000000");
  // Also when its cluster is no longer connected.
  await bench.seeder.query("DELETE FROM mesh_clusters WHERE id = $1", [clusterId]);
  const database = connectDatabase(bench.server.urls.worker, 2);
  let nowMs = 0;
  const options = {
    database,
    provisioner: bench.provisioner(),
    keys: await readKeyRing(bench.keysFolder),
    listBlockedShards: () => ["i-b"],
    metrics: createMetrics({ withProcess: false }),
    log: (_level: string, message: string) => void bench.logged.push(message),
    nowMs: () => nowMs,
  };
  const reporting = createJanitor({ ...options, mode: "report" });
  expect(await reporting.sweep()).toBe(2);
  nowMs += 3_600_000;
  expect(await reporting.sweep()).toBe(2);
  expect(bench.logged.filter((line) => line.includes("no row wants"))).toHaveLength(2);
  const removing = createJanitor({ ...options, mode: "remove" });
  await removing.sweep();
  expect(revisions.size).toBe(2);
  nowMs += 300_000;
  revisions.delete("orphan-1-32-abcde");
  await removing.sweep();
  revisions.add("orphan-1-32-abcde");
  nowMs += 300_000;
  // It was not there, or wanted, in between: its time begins anew.
  await removing.sweep();
  expect(revisions.size).toBe(2);
  nowMs += 600_000;
  await removing.sweep();
  expect([...revisions]).toEqual(["foreign-1-32-abcde"]);
  await database.$disconnect();
});

test("what a removed revision has left in a mesh cluster is told of, and taken away ten minutes later when that is wished", async () => {
  const worker = await bench.launch({ orphanLookShare: 1 });
  const { clusterId } = await bench.createOne("cp");
  bench.provisioner().left.add("gone-1-32-abcde");
  const look = () =>
    // Counted as a wake: what ends a look that goes on now would put the next one off.
    bench.seeder.query(
      "UPDATE work_items SET next_reconcile_at = now(), wakes = wakes + 1 WHERE kind = 'cluster' AND object_id = $1",
      [clusterId],
    );
  await look();
  await bench.until("it is told of", () => bench.isStatus(clusterId, "Clean", "False"));
  const age = () =>
    bench.seeder.query(
      "UPDATE conditions SET message = regexp_replace(message, 'since [^)]*', 'since 2020-01-01T00:00:00.000Z', 'g') WHERE object_id = $1 AND type = 'Clean'",
      [clusterId],
    );
  await age();
  await look();
  const wasLooked = (times: number) =>
    bench.until(
      "it was looked at",
      async () => bench.provisioner().calls.filter((call) => call.startsWith("renew")).length >= times,
    );
  await wasLooked(2);
  await worker.stop();
  expect([...bench.provisioner().left]).toEqual(["gone-1-32-abcde"]);

  // A share of none: what is known to be unclean is looked at all the same. What came in the meantime is told of first.
  bench.provisioner().left.add("late-1-32-abcde");
  await bench.launch({ orphanLookShare: 0, janitor: "remove" });
  await look();
  await bench.until("the first was taken away", async () => !bench.provisioner().left.has("gone-1-32-abcde"));
  await wasLooked(3);
  await bench.until("the second is told of", () =>
    bench.has("SELECT 1 FROM conditions WHERE object_id = $1 AND type = 'Clean' AND message LIKE '%of late-1-32%'", [
      clusterId,
    ]),
  );
  expect([...bench.provisioner().left]).toEqual(["late-1-32-abcde"]);
  await age();
  await look();
  await bench.until("it was taken away", () => bench.isStatus(clusterId, "Clean", "True"));
  expect([...bench.provisioner().left]).toEqual([]);
  expect(bench.logged.filter((line) => line.includes("no row wants")).length).toBeGreaterThan(1);
});
