import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { z } from "zod";
import { startSimulation } from "./simulation.ts";

/**
 * `node main.ts --folder FOLDER --block N --plan JSON`: simulates clusters until it is ended; what is where is in FOLDER/status.json. Each line of its
 * standard input closes or opens the entry of a cluster, and is answered with `done` or the reason why not.
 */
const PlanSchema = z.strictObject({
  meshClusters: z.array(z.strictObject({ name: z.string(), region: z.string(), proxies: z.int().optional() })),
  istiodClusters: z.array(z.strictObject({ name: z.string(), region: z.string(), line: z.string() })),
});

const { values } = parseArgs({
  options: { folder: { type: "string" }, block: { type: "string" }, plan: { type: "string" } },
});
const { folder = "", block = "", plan = "" } = values;
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true, mode: 0o700 });
const simulation = await startSimulation({
  name: "simulation",
  folder,
  block: z.coerce.number().int().min(1).max(254).parse(block),
  plan: PlanSchema.parse(JSON.parse(plan)),
});
await writeFile(join(folder, "status.tmp"), JSON.stringify(simulation.status), { mode: 0o600 });
await rename(join(folder, "status.tmp"), join(folder, "status.json"));
process.stdout.write("ready\n");
process.once("SIGTERM", () => void simulation.stop().then(() => process.exit(0)));
const CommandSchema = z.strictObject({ cluster: z.string(), isOpen: z.boolean() });
for await (const line of createInterface({ input: process.stdin })) {
  const { cluster, isOpen } = CommandSchema.parse(JSON.parse(line));
  const answer = await simulation.setOpen(cluster, isOpen).then(() => "done", String);
  process.stdout.write(`${answer}\n`);
}
// Whoever started it has gone when its standard input ends.
process.exit(0);
