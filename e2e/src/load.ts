import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import { describeMachine, readLoad, replaceSection } from "./document.ts";
import { openFleet } from "./fleet.ts";
import { type Ground, readGround } from "./ground.ts";
import { buildLoadReport, judgeLoad, type LoadMeasurement } from "./load/load-report.ts";
import { measureLists } from "./load/measure-lists.ts";
import {
  createTenants,
  type LoadTenant,
  orderClusters,
  orderControlPlanes,
  planLoad,
  shareOut,
  waitForPhase,
} from "./load/populate.ts";
import { readUsage } from "./load/process-usage.ts";
import { createProgress, type Progress } from "./load/progress.ts";
import { readWorkerMetrics, readWorkerState, waitForQuiet } from "./load/worker-metrics.ts";
import { buildWeb, type Service, startService, type WorkerProcess } from "./service.ts";
import { openSimulation, spawnSimulation } from "./simulation/open-simulation.ts";

const usage = `Usage: npm run load -- [--control-planes N] [--seconds S] [--no-build] [--no-document]

Starts the service (Postgres, web server, one worker) on simulated clusters, lets a tenant order N control planes over REST,
each in a mesh cluster of its own, and measures: lists, the worker's steady state, and its restart after SIGKILL.

  --control-planes N  how many (default 1000)
  --seconds S         how long the steady state is watched (default 150, at least 120 to be written down)
  --no-build          takes the web application as it was built last
  --no-document       leaves docs/benchmarks.md as it is

With 1000 control planes or more the result goes into docs/benchmarks.md. Ends with 1 when a limit is missed.`;

/** With fewer of either the numbers say nothing of the promise. */
const fewestToKeep = { controlPlanes: 1_000, seconds: 120 } as const;
const block = 78;
const listRequests = 250;
const settleMs = 20_000;
const sampleMs = 5_000;
const lookMs = 500;
const documentFile = join(import.meta.dirname, "../../docs/benchmarks.md");
const databaseCli = join(import.meta.dirname, "../../packages/core/src/cli.ts");
const print = (text: string): void => void process.stdout.write(`${text}\n`);

interface Options {
  controlPlanes: number;
  seconds: number;
  build: boolean;
  document: boolean;
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      "control-planes": { type: "string", default: "1000" },
      seconds: { type: "string", default: "150" },
      build: { type: "boolean", default: true },
      document: { type: "boolean", default: true },
      help: { type: "boolean", short: "h", default: false },
    },
    allowNegative: true,
  });
  if (values.help) return undefined;
  const [controlPlanes, seconds] = [Number(values["control-planes"]), Number(values.seconds)];
  if (!Number.isInteger(controlPlanes) || controlPlanes < 4 || controlPlanes > 5_000)
    throw new Error(`--control-planes is a number from 4 to 5000.\n\n${usage}`);
  if (!(seconds >= 10 && seconds <= 3_600)) throw new Error(`--seconds is a number from 10 to 3600.\n\n${usage}`);
  return { controlPlanes, seconds, build: values.build, document: values.document };
}

const countProbes = async (healthUrl: string): Promise<number> =>
  [...(await readWorkerMetrics(healthUrl))]
    .filter(([name]) => name.startsWith("pilothouse_probes_total") && !name.includes('probe="stream"'))
    .reduce((sum, [, value]) => sum + value, 0);

/** Watches worker and web server for a while, with lists beside it. */
async function measureSteadyState(
  service: Service,
  tenant: LoadTenant,
  seconds: number,
  progress: Progress,
): Promise<Pick<LoadMeasurement, "lists" | "steady">> {
  const { worker, web, workerHealthUrl } = service;
  const [workerBefore, webBefore] = await Promise.all([readUsage(worker.pid), readUsage(web.pid)]);
  const probesBefore = await countProbes(workerHealthUrl);
  const startMs = performance.now();
  const listing = measureLists(tenant, listRequests, async (ms) => {
    await sleep(ms);
  });
  // Whoever waits for it does so after the time is over.
  listing.catch(() => undefined);
  let [workerMemoryBytes, webMemoryBytes] = [0, 0];
  for (let pastMs = 0; pastMs < seconds * 1000; pastMs = performance.now() - startMs) {
    const [workerNow, webNow] = await Promise.all([readUsage(worker.pid), readUsage(web.pid)]);
    workerMemoryBytes = Math.max(workerMemoryBytes, workerNow.memoryBytes);
    webMemoryBytes = Math.max(webMemoryBytes, webNow.memoryBytes);
    progress.show("seconds of steady state", Math.round(pastMs / 1000), seconds);
    await sleep(Math.min(sampleMs, seconds * 1000 - pastMs));
  }
  const [workerAfter, webAfter] = await Promise.all([readUsage(worker.pid), readUsage(web.pid)]);
  const pastSeconds = (performance.now() - startMs) / 1000;
  const probes = (await countProbes(workerHealthUrl)) - probesBefore;
  const { corrections } = await readWorkerState(workerHealthUrl);
  return {
    lists: await listing,
    steady: {
      seconds: pastSeconds,
      workerCpu: (workerAfter.cpuSeconds - workerBefore.cpuSeconds) / pastSeconds,
      workerMemoryBytes,
      webCpu: (webAfter.cpuSeconds - webBefore.cpuSeconds) / pastSeconds,
      webMemoryBytes,
      probes,
      corrections,
    },
  };
}

/** Kills the worker, makes every object due while nobody works, starts another, and waits until it has looked at all and watches all. */
async function measureRestart(
  service: Service,
  { home, all, progress }: { home: string; all: number; progress: Progress },
): Promise<{ restart: LoadMeasurement["restart"]; worker: WorkerProcess }> {
  const startMs = performance.now();
  service.worker.signal("SIGKILL");
  await service.worker.ended;
  const environment = { ...process.env, PILOTHOUSE_HOME: home };
  await promisify(execFile)(process.execPath, [databaseCli, "reconcile-all"], { env: environment });
  const worker = await service.startWorker("2");
  let [reconciledSeconds, watchedSeconds, quietSeconds] = [Number.NaN, Number.NaN, Number.NaN];
  let [memoryBytes, cpuSeconds] = [0, 0];
  const pastSeconds = (): number => (performance.now() - startMs) / 1000;
  while (Number.isNaN(quietSeconds) || Number.isNaN(watchedSeconds)) {
    const [state, used] = await Promise.all([readWorkerState(worker.healthUrl), readUsage(worker.pid)]);
    memoryBytes = Math.max(memoryBytes, used.memoryBytes);
    ({ cpuSeconds } = used);
    const isReconciled = state.revisions >= all && state.openRevisions === 0;
    if (isReconciled && Number.isNaN(reconciledSeconds)) reconciledSeconds = pastSeconds();
    const isQuiet = state.revisions >= all && state.clusters >= all && state.open === 0;
    if (isQuiet && Number.isNaN(quietSeconds)) quietSeconds = pastSeconds();
    if (state.watched === all && Number.isNaN(watchedSeconds)) watchedSeconds = pastSeconds();
    progress.show(
      "looked at again, and watched",
      Math.min(state.revisions, all) + Math.min(state.clusters, all) + state.watched,
      3 * all,
    );
    if (pastSeconds() > 600) throw new Error(`after 600 s only ${JSON.stringify(state)}`);
    await sleep(lookMs);
  }
  return { worker, restart: { reconciledSeconds, quietSeconds, watchedSeconds, memoryBytes, cpuSeconds } };
}

async function measure(ground: Ground, home: string, options: Options, progress: Progress): Promise<LoadMeasurement> {
  const { controlPlanes, seconds } = options;
  // The orders themselves are what comes quickly here, not a tenant that asks too often.
  const environment = { ...process.env, PILOTHOUSE_RATE_LIMIT: "100000" };
  const service = await startService({ ground, home, environment });
  let second: WorkerProcess | undefined;
  try {
    const tenants = await createTenants(service, ground, shareOut(controlPlanes));
    const since = (startMs: number): number => (performance.now() - startMs) / 1000;
    const connectMs = performance.now();
    await orderClusters(ground, tenants, progress);
    await waitForPhase(tenants, "clusters", { phase: "Connected", progress, timeoutMs: 600_000 });
    const connectedSeconds = since(connectMs);
    progress.say(`all clusters are connected after ${connectedSeconds.toFixed(1)} s`);
    const createMs = performance.now();
    await orderControlPlanes(ground, tenants, progress);
    await waitForPhase(tenants, "controlPlanes", { phase: "Ready", progress, timeoutMs: 900_000 });
    const readySeconds = since(createMs);
    progress.say(`all control planes are Ready after ${readySeconds.toFixed(1)} s`);
    await waitForQuiet(service.workerHealthUrl, controlPlanes, progress, 300_000);
    await sleep(settleMs);
    const [largest] = tenants;
    if (largest === undefined) throw new Error("there is no tenant");
    const { lists, steady } = await measureSteadyState(service, largest, seconds, progress);
    progress.say(`the worker took ${(steady.workerCpu * 100).toFixed(1)} % of a core`);
    const { restart, worker } = await measureRestart(service, { home, all: controlPlanes, progress });
    second = worker;
    const istiodClusters = ground.status.clusters.filter(({ kind }) => kind === "istiod").length;
    const named = tenants.map(({ name, controlPlanes: size }) => ({ name, controlPlanes: size }));
    return { controlPlanes, istiodClusters, tenants: named, connectedSeconds, readySeconds, lists, steady, restart };
  } finally {
    await second?.stop();
    await service.stop();
  }
}

async function run(): Promise<void> {
  const options = readOptions();
  if (options === undefined) return print(usage);
  const progress = createProgress(process.stderr);
  if (options.build) {
    progress.say("building the web application");
    await buildWeb(process.env);
  }
  const home = await mkdtemp(join(tmpdir(), "pilothouse-load-"));
  // Postgres runs as a user of its own, who has to come to its folder in here.
  await chmod(home, 0o711);
  const folder = join(home, "simulation");
  const loadBefore = readLoad();
  const parts = await openFleet("load", process.env).readParts();
  const simulation = await spawnSimulation({ folder, block, parts, plan: planLoad(options.controlPlanes) });
  try {
    const ground = await readGround(openSimulation(folder));
    const measurement = await measure(ground, home, options, progress);
    const surroundings = describeMachine("worker, web server, Postgres and all simulated clusters", loadBefore);
    const report = buildLoadReport(measurement, surroundings);
    print(`\n${report}\n`);
    const verdicts = judgeLoad(measurement);
    const failed = verdicts.filter(({ passed }) => !passed).length;
    if (failed > 0) process.exitCode = 1;
    const isKept = options.controlPlanes >= fewestToKeep.controlPlanes && options.seconds >= fewestToKeep.seconds;
    if (options.document && isKept) {
      await writeFile(documentFile, replaceSection(await readFile(documentFile, "utf8"), "load", report));
      print("docs/benchmarks.md has it.");
    }
    print(`${verdicts.length - failed} passed, ${failed} failed`);
    await simulation.stop();
    await rm(home, { recursive: true, force: true });
  } catch (error) {
    await simulation.stop();
    throw new Error(`${error instanceof Error ? error.message : String(error)} (logs are kept in ${home})`, {
      cause: error,
    });
  }
}

try {
  await run();
} catch (error) {
  process.stderr.write(`load: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
