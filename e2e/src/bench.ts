import { readFile, writeFile } from "node:fs/promises";
import { arch, availableParallelism, loadavg, platform, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { assertMachinePrograms } from "./bench/by-hand.ts";
import { measureLine } from "./bench/measure-line.ts";
import { buildLineReport, calculateRatios, judgeRatio, replaceLineReport, type Surroundings } from "./bench/report.ts";
import { openFleet } from "./fleet.ts";
import { findVersion, readGround } from "./ground.ts";

const usage = `Usage: npm run bench -- [--runs N] [--version LINE] [--cluster NAME] [--name FLEET]

Measures how long Pilothouse takes from the kubeconfig of a mesh cluster to a control plane that is proven, beside a script
that does the same by hand with kubectl and helm and proves nothing. Brings the local fleet up; nothing else may use the mesh
cluster (default "shop") meanwhile, nor the istiod clusters of the line. Istio's definitions are removed from the mesh cluster first.

  --runs N         pairs of runs that count, after one that does not (default 10)
  --version LINE   one version line; without it all that the fleet has, one after the other
  --cluster NAME   the mesh cluster (default shop)
  --name FLEET     the fleet (default local)

With at least 10 runs the result goes into docs/benchmarks.md. Ends with 1 when a line takes more than twice as long as by hand.`;

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

/** Ctrl-C ends after the pair of runs that is under way, so that nothing is left in the clusters. */
function watchInterrupts(): () => boolean {
  let isStopped = false;
  process.once("SIGINT", () => {
    isStopped = true;
    print("Ends after this pair of runs. Ctrl-C again ends at once and leaves behind what is there.");
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
  for (const line of lines) {
    const loadBefore = readLoad();
    const measurement = await measureLine(ground, { cluster: values.cluster, line, runs, print, isStopped });
    if (measurement.pilothouse.length === 0) return;
    const report = buildLineReport(measurement, describeSurroundings(loadBefore));
    print(`\n${report}\n`);
    const { ofMedians } = calculateRatios(measurement);
    const { isAllowed, words } = judgeRatio(ofMedians);
    // Written down all the same, and the other line is measured too.
    if (!isAllowed) process.exitCode = 1;
    print(`${line}: ratio ${ofMedians.toFixed(2)}: ${words}.`);
    if (measurement.pilothouse.length < fewestRunsToKeep) {
      print(`docs/benchmarks.md stays as it is: it takes ${fewestRunsToKeep} runs.\n`);
      continue;
    }
    await writeFile(documentFile, replaceLineReport(await readFile(documentFile, "utf8"), line, report));
    print("docs/benchmarks.md has it.\n");
  }
}

try {
  await run();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
