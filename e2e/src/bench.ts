import { readFile, writeFile } from "node:fs/promises";
import { arch, availableParallelism, loadavg, platform, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { assertMachinePrograms } from "./bench/by-hand.ts";
import { type LineMeasurement, measureLine } from "./bench/measure-line.ts";
import { buildLineReport, judgeLine, replaceLineReport, rules, type Surroundings } from "./bench/report.ts";
import { startBenchService } from "./bench/with-service.ts";
import { openFleet } from "./fleet.ts";
import { findVersion, readGround } from "./ground.ts";

const usage = `Usage: npm run bench -- [--runs N] [--version LINE] [--cluster NAME] [--name FLEET]

Measures how long it takes from the kubeconfig of a mesh cluster to a control plane that is proven: ordered over REST from the whole
service, and by the provisioner's functions alone, beside a script that does the same by hand with kubectl and helm and proves nothing.
Builds the web application, starts a service of its own, and brings the local fleet up; nothing else may use the mesh cluster (default
"shop") meanwhile, nor the istiod clusters of the line. Istio's definitions are removed from the mesh cluster first.

  --runs N         rounds that count, one run of each in turns, after one that does not (default 10)
  --version LINE   one version line; without it all that the fleet has, one after the other
  --cluster NAME   the mesh cluster (default shop)
  --name FLEET     the fleet (default local)

With at least 10 runs the result goes into docs/benchmarks.md. Ends with 1 when a line misses what it must: over REST at most
${rules.service.mostRatio} times as long as by hand and less than ${rules.service.mostP50Ms / 1000} s, the functions alone at most ${rules.provisioner.mostRatio} times.`;

/** With fewer a p95 says nothing. */
const fewestRunsToKeep = 10;

const documentFile = join(import.meta.dirname, "../../docs/benchmarks.md");
const print = (text: string): void => void process.stdout.write(`${text}\n`);

const readLoad = (): number => loadavg()[0] ?? Number.NaN;

const describeSurroundings = (loadBefore: number): Surroundings => ({
  date: new Date().toISOString().slice(0, 10),
  cores: availableParallelism(),
  memoryBytes: totalmem(),
  platform: `${platform()} ${arch()}`,
  node: process.version,
  load: { before: loadBefore, after: readLoad() },
});

/** Ctrl-C ends after the round that is under way, so that nothing is left in the clusters. Whatever ends it at once ends its programs, too. */
function watchInterrupts(): () => boolean {
  let isStopped = false;
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
  process.on("SIGINT", () => {
    if (isStopped) process.exit(130);
    isStopped = true;
    print("Ends after this round. Ctrl-C again ends at once and leaves behind what is there.");
  });
  return () => isStopped;
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "10" },
      version: { type: "string" },
      cluster: { type: "string", default: "shop" },
      name: { type: "string", default: "local" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return print(usage);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1 || runs > 1000)
    throw new Error(`--runs is a number from 1 to 1000, not "${values.runs}".\n\n${usage}`);
  assertMachinePrograms();
  const fleet = openFleet(values.name, process.env);
  await fleet.run(["up"]);
  const ground = await readGround(fleet);
  const lines =
    values.version === undefined
      ? ground.versions.map((version) => version.line)
      : [findVersion(ground, values.version).line];
  const isStopped = watchInterrupts();
  const service = await startBenchService(ground, process.env);
  try {
    for (const line of lines) {
      const loadBefore = readLoad();
      const measurement = await measureLine(ground, {
        cluster: values.cluster,
        line,
        runs,
        print,
        isStopped,
        service,
      });
      if (measurement.byHand.length === 0) return;
      await conclude(measurement, describeSurroundings(loadBefore));
    }
  } finally {
    await service.close();
  }
}

/** Prints a line's report and verdicts, and keeps the report when there were runs enough. */
async function conclude(measurement: LineMeasurement, surroundings: Surroundings): Promise<void> {
  const { line, byHand } = measurement;
  const report = buildLineReport(measurement, surroundings);
  print(`\n${report}\n`);
  for (const { side, ratio, p50Ms, verdict } of judgeLine(measurement)) {
    // Written down all the same, and the other line is measured too.
    if (verdict === "missed") process.exitCode = 1;
    print(`${line}, ${side}: ratio ${ratio.toFixed(2)}, p50 ${(p50Ms / 1000).toFixed(2)} s: ${verdict}.`);
  }
  if (byHand.length < fewestRunsToKeep) {
    print(`docs/benchmarks.md stays as it is: it takes ${fewestRunsToKeep} runs.\n`);
    return;
  }
  await writeFile(documentFile, replaceLineReport(await readFile(documentFile, "utf8"), line, report));
  print("docs/benchmarks.md has it.\n");
}

try {
  await run();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
