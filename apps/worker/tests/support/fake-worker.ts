/** A worker in a process of its own, with no clusters behind it: to be killed and paused. Prints a line for each look. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { startWorker } from "../../src/worker.ts";
import { createFakeProvisioner } from "./fake-provisioner.ts";

const { databaseUrl, sealingKeys, lookMs, redisUrl } = z
  .object({ databaseUrl: z.string(), sealingKeys: z.string(), lookMs: z.number(), redisUrl: z.string().optional() })
  .parse(JSON.parse(readFileSync(0, "utf8")));
const provisioner = createFakeProvisioner();
provisioner.faults.onRevision = async (id) => {
  process.stdout.write(`look ${id}\n`);
  await sleep(lookMs);
};
await startWorker({
  databaseUrl,
  ...(redisUrl === undefined ? {} : { redisUrl }),
  sealingKeys,
  provider: { domain: "cp.example.test", allowedApiServerRanges: [], helm: "helm" },
  dns: { publish: async () => undefined, withdraw: async () => undefined },
  provisioner,
  http: { host: "127.0.0.1", port: 0 },
  limits: { overall: 8, perShard: 4 },
  sentinels: { most: 0, mostLooking: 1 },
  janitor: "report",
  drainMs: 1_000,
  tokenLifetimeSeconds: 3_600,
  log: (level, message) => void process.stdout.write(`${level} ${message}\n`),
});
process.stdout.write("started\n");
