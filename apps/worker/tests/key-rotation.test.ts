import { randomUUID } from "node:crypto";
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connectDatabase, createSealingKeys, type Database } from "@pilothouse/core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { makeKeyFile } from "../src/key-files.ts";
import { type KeyRing, readKeyRing } from "../src/key-ring.ts";
import { createMetrics, type Metrics } from "../src/metrics.ts";
import { rotateSealingKeys } from "../src/upkeep/rotate-keys.ts";
import { type Bench, openBench } from "./support/bench.ts";

let bench: Bench;
let database: Database;

beforeAll(async () => {
  bench = await openBench();
  database = connectDatabase(bench.server.urls.worker, 4);
});
afterEach(() => bench.clear());
afterAll(async () => {
  await database.$disconnect();
  await bench.remove();
});

interface Rotation {
  keys: KeyRing;
  metrics: Metrics;
  lines: string[];
  run: (limits?: { batchSize?: number; mostBatches?: number }) => Promise<void>;
}

/** A worker's rotation without the worker. */
async function openRotation(): Promise<Rotation> {
  const keys = await readKeyRing(bench.keysFolder);
  const metrics = createMetrics({ withProcess: false });
  const lines: string[] = [];
  const log = (level: string, message: string, fields?: object): void =>
    void lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  const run: Rotation["run"] = (limits = {}) => rotateSealingKeys({ database, keys, metrics, log, ...limits });
  return { keys, metrics, lines, run };
}

const makeKey = async (): Promise<string> => (await makeKeyFile(bench.keysFolder, await createSealingKeys())).id;
const listKeys = async (): Promise<string[]> =>
  (
    await bench.seeder.query<{ id: string }>("SELECT id FROM sealing_keys WHERE retired_at IS NULL ORDER BY created_at")
  ).map(({ id }) => id);
const countSeals = async (keyId: string): Promise<number> =>
  (await bench.seeder.query("SELECT 1 FROM sealed_secrets WHERE key_id = $1::uuid", [keyId])).length;
const describeSecrets = () =>
  bench.seeder.query(
    "SELECT id, tenant_id, purpose, object_kind, object_id, created_at FROM sealed_secrets ORDER BY id",
  );

test("a new key takes over while the worker runs; the old one is retired, and its file is needed no more", async () => {
  await bench.launch();
  const [old = ""] = await listKeys();
  const { clusterId, tenantId, operationId } = await bench.createOne("cp");
  await bench.until("it is Ready", () => bench.isState(operationId, "succeeded"));
  const before = await describeSecrets();
  const rotation = await openRotation();
  const newest = await makeKey();
  expect((await stat(join(bench.keysFolder, `${newest}.key`))).mode & 0o777).toBe(0o600);
  await rotation.run();
  expect(await describeSecrets()).toEqual(before);
  expect([await countSeals(old), await countSeals(newest)]).toEqual([0, before.length]);
  expect(await listKeys()).toEqual([newest]);
  expect(rotation.lines.join("\n")).toContain(
    `a sealing key is retired: nothing is sealed to it, and its file may be deleted {"key":"${old}"}`,
  );
  const metrics = await rotation.metrics.registry.metrics();
  expect(metrics).toContain(`pilothouse_resealed_secrets_total ${before.length}`);
  expect(metrics).toContain("pilothouse_secrets_sealed_to_older_keys 0");

  // The worker that runs has not read its folder again since, and opens what is sealed to the new key all the same.
  const another = { tenantId, clusterId, version: "1.32.1", line: "1.32", istiodCluster: "i-b" };
  const { operationId: second } = await bench.seeder.createControlPlane({ ...another, name: "second" });
  await bench.until("the second is Ready", () => bench.isState(second, "succeeded"));
  await rm(join(bench.keysFolder, `${old}.key`));
  await rotation.run();
  expect(rotation.keys.listPublicKeys().map(({ id }) => id)).toEqual([newest]);
  const { operationId: third } = await bench.seeder.createControlPlane({ ...another, name: "third" });
  await bench.until("the third is Ready", () => bench.isState(third, "succeeded"));
  expect(bench.logged.join("\n")).not.toContain("SealedToUnknownKey");
});

test("many secrets are sealed anew in bounded batches, one that can't be opened stops no other, and two workers don't collide", async () => {
  const { id: tenantId } = await bench.seeder.createTenant();
  for (let number = 0; number < 23; number += 1) await bench.seeder.connectCluster(tenantId, { name: `c${number}` });
  const [old = ""] = await listKeys();
  const broken = randomUUID();
  await bench.seeder.query(
    `INSERT INTO sealed_secrets (id, tenant_id, purpose, object_kind, object_id, key_id, ciphertext)
     SELECT '00000000-0000-4000-8000-000000000000', tenant_id, purpose, object_kind, $1, key_id, ciphertext FROM sealed_secrets WHERE tenant_id IS NOT NULL LIMIT 1`,
    [broken],
  );
  const all = await countSeals(old);
  const [one, two] = [await openRotation(), await openRotation()];
  const newest = await makeKey();
  await one.run({ batchSize: 5, mostBatches: 2 });
  expect(await countSeals(newest)).toBe(9);
  expect(await one.metrics.registry.metrics()).toContain(`pilothouse_secrets_sealed_to_older_keys ${all - 9}`);
  await Promise.all([one.run(), two.run()]);
  expect([await countSeals(old), await countSeals(newest)]).toEqual([1, all - 1]);
  expect(one.lines.filter((line) => line.includes("could not be sealed anew")).join("\n")).toMatch(
    /00000000-0000-4000-8000-000000000000.*can't be opened/,
  );
  expect(await listKeys()).toEqual([old, newest]);
  await bench.seeder.query("DELETE FROM sealed_secrets WHERE object_id = $1", [broken]);
  await one.run();
  expect(await listKeys()).toEqual([newest]);
  expect(await rotationOpens(one.keys)).toBe(all - 1);
});

/** How many secrets a ring opens, bound as their rows say. */
async function rotationOpens(keys: KeyRing): Promise<number> {
  const rows = await database.sealedSecret.findMany();
  const texts = await Promise.all(
    rows.map(({ id, tenantId, purpose, objectKind, objectId, keyId, ciphertext }) => {
      if (purpose !== "connect-kubeconfig" && purpose !== "istiod-cluster-access") throw new Error(purpose);
      return keys.openText({ binding: { id, tenantId, purpose, objectKind, objectId }, keyId, ciphertext });
    }),
  );
  return texts.filter((text) => text.length > 0).length;
}

test("a worker without the newest key says so and touches nothing; a folder without keys changes nothing", async () => {
  const rotation = await openRotation();
  const [own = ""] = await listKeys();
  const { publicKey } = await createSealingKeys();
  const elsewhere = randomUUID();
  await bench.seeder.query(
    "INSERT INTO sealing_keys (id, public_key, created_at) VALUES ($1::uuid, $2, now() + interval '1 hour')",
    [elsewhere, Buffer.from(publicKey)],
  );
  const before = await countSeals(own);
  await rotation.run();
  expect(rotation.lines).toEqual([expect.stringContaining(`does not have the newest sealing key`)]);
  expect([await countSeals(own), await listKeys()]).toEqual([before, [own, elsewhere]]);
  await bench.seeder.query("DELETE FROM sealing_keys WHERE id = $1::uuid", [elsewhere]);

  const names = await readdir(bench.keysFolder);
  await Promise.all(names.map((name) => rm(join(bench.keysFolder, name))));
  await expect(rotation.keys.reload()).rejects.toThrow("no sealing key");
  expect(rotation.keys.listPublicKeys().map(({ id }) => id)).toContain(own);
  await writeFile(join(bench.keysFolder, `${own}.key`), "{}", { mode: 0o600 });
  await expect(rotation.keys.reload()).rejects.toThrow("is no sealing key of Pilothouse");
});
