import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { takeDown } from "./down.ts";
import { FleetError } from "./errors.ts";
import { prepareKubectl } from "./kubectl.ts";
import { backbonePart } from "./machine/network.ts";
import { enterAsVisitor, findRunning, killPart, logFile, restartPart } from "./machine/processes.ts";
import { doctorParts } from "./parts/doctor.ts";
import { istioLines } from "./parts/outputs.ts";
import { createProgress } from "./parts/progress.ts";
import { assertSameTopology, type FleetState, openState, readPlan, withFleetLock } from "./state.ts";
import { type ClusterStatus, type FleetStatus, listParts, readStatus } from "./status.ts";
import { describeIstioLine, gatherSupplies, getParts } from "./supplies.ts";
import { defaultTopologyFile, readTopology, type Topology } from "./topology.ts";
import { bringUp } from "./up.ts";

const usage = `Usage: npm run fleet -- COMMAND [--name NAME]

  up [--topology FILE]     bring the fleet up, or repair it
  down [--wipe]            end everything; --wipe also removes its data
  status [--json]          what runs, where, and how to reach it
  kubeconfig CLUSTER       path of a cluster's administrator kubeconfig
  kubectl CLUSTER -- ...   run kubectl as a cluster's administrator
  kill PART                end a part, as a crash would
  start PART               start a part that was killed
  logs PART [--follow]     a part's log
  exec -- COMMAND ...      run a command inside the fleet's network, with its DNS
  parts [--json]           get all parts, and say where they are
  doctor                   what this machine has and lacks

The fleet is called "local" unless --name says otherwise.
PILOTHOUSE_HOME (default .pilothouse) holds its data, PILOTHOUSE_CACHE (default ~/.cache/pilothouse) programs and images.`;

interface Invocation {
  command: string;
  operands: string[];
  name: string;
  topology: string | undefined;
  json: boolean;
  wipe: boolean;
  follow: boolean;
}

function readInvocation(parameters: string[]): Invocation {
  try {
    const { values, positionals } = parseArgs({
      args: parameters,
      allowPositionals: true,
      options: {
        name: { type: "string", default: "local" },
        topology: { type: "string" },
        json: { type: "boolean", default: false },
        wipe: { type: "boolean", default: false },
        follow: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const [command = "help", ...operands] = positionals;
    return { ...values, command: values.help ? "help" : command, operands, topology: values.topology };
  } catch (error) {
    throw new FleetError(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  }
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const note = (text: string): void => void process.stderr.write(`${text}\n`);

function readOperand(invocation: Invocation, what: string): string {
  const [operand] = invocation.operands;
  if (operand === undefined)
    throw new FleetError(`fleet ${invocation.command} needs the name of a ${what}.\n\n${usage}`);
  return operand;
}

async function readPart(state: FleetState, invocation: Invocation): Promise<string> {
  const part = readOperand(invocation, "part");
  const saved = await readPlan(state);
  const parts = saved === undefined ? [] : listParts(saved.plan);
  if (!parts.includes(part)) {
    throw new FleetError(
      parts.length === 0
        ? `There is no fleet ${state.name}. Make it: npm run fleet -- up`
        : `There is no part ${part}. The parts are:\n  ${parts.join("\n  ")}`,
    );
  }
  return part;
}

async function requireStatus(state: FleetState): Promise<FleetStatus> {
  const status = await readStatus(state);
  if (status === undefined)
    throw new FleetError(`There is no fleet ${state.name}. Make it: npm run fleet -- up --name ${state.name}`);
  return status;
}

async function requireCluster(state: FleetState, invocation: Invocation): Promise<ClusterStatus> {
  const name = readOperand(invocation, "cluster");
  const { clusters } = await requireStatus(state);
  const cluster = clusters.find((candidate) => candidate.name === name);
  if (cluster !== undefined) return cluster;
  throw new FleetError(`There is no cluster ${name}. There are: ${clusters.map((known) => known.name).join(", ")}`);
}

function printStatus(status: FleetStatus): void {
  print(
    `fleet ${status.name}: ${status.state}   ${status.network.cidr}   names of control planes: *.${status.dns.domain} at ${status.dns.server}`,
  );
  print(status.network.note);
  print("");
  for (const cluster of status.clusters) {
    const what =
      cluster.kind === "istiod"
        ? `istiod cluster, istiod ${cluster.versions.istiod ?? cluster.line ?? ""}`
        : `mesh cluster of ${cluster.seed ?? ""}`;
    const edge = cluster.edge === undefined ? "" : `   edge ${cluster.edge.address}`;
    print(
      `${cluster.ready ? "ready    " : "not ready"}  ${cluster.name.padEnd(16)} ${cluster.region.padEnd(6)} ${what.padEnd(31)} Kubernetes ${cluster.versions.kubernetes}   ${cluster.server}${edge}`,
    );
  }
  const stopped = status.parts.filter((part) => !part.running);
  print(`\n${status.parts.length - stopped.length} of ${status.parts.length} parts run.`);
  for (const part of stopped) print(`  does not run: ${part.name}   log: ${part.log}`);
  if (status.state === "degraded") print("Repair it: npm run fleet -- up");
}

async function runPassThrough(command: string, parameters: string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(command, parameters, { stdio: "inherit", env: environment });
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (code, signal) => done(code ?? (signal === null ? 1 : 128)));
  });
}

/** How many API servers and nodes an `up` would start. */
async function countMissing(state: FleetState, topology: Topology): Promise<{ clusters: number; nodes: number }> {
  const running = new Set((await readStatus(state))?.parts.filter((part) => part.running).map((part) => part.name));
  const hosts = topology.regions.flatMap((region) => region.istiodClusters.map((cluster) => cluster.name));
  const meshes = topology.regions.flatMap((region) =>
    region.seeds.flatMap((seed) => seed.meshClusters.map((cluster) => cluster.name)),
  );
  return {
    clusters: [...hosts, ...meshes].filter((name) => !running.has(`${name}/kube-apiserver`)).length,
    nodes: hosts.filter((name) => !running.has(`${name}/kubelet`)).length,
  };
}

async function runUp(
  state: FleetState,
  cache: string,
  invocation: Invocation,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () =>
      stop.abort(new FleetError("Called off. What runs goes on; npm run fleet -- up goes on from here, down ends it.")),
    );
  }
  const topology = await readTopology(invocation.topology ?? defaultTopologyFile);
  await assertSameTopology(state, topology);
  const problems = (await doctorParts({ cache, environment, ...(await countMissing(state, topology)) })).filter(
    (check) => check.required && !check.ok,
  );
  if (problems.length > 0) {
    throw new FleetError(
      `This machine lacks what a fleet needs:\n${problems.map((check) => `  ${check.name}: ${check.found}. ${check.help}`).join("\n")}`,
    );
  }
  const startedMs = performance.now();
  const seconds = (): string => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
  const progress = createProgress({ stream: process.stderr });
  const parts = await getParts(cache, environment, stop.signal, progress.listener).finally(() => progress.close());
  const supplies = await gatherSupplies(cache, parts, stop.signal, (line) => note(`${seconds().padStart(8)}  ${line}`));
  await bringUp(state, topology, supplies);
  note(`fleet ${state.name} is up after ${seconds()}. See: npm run fleet -- status`);
}

async function runParts(cache: string, invocation: Invocation, environment: NodeJS.ProcessEnv): Promise<void> {
  const progress = createProgress({ stream: process.stderr });
  const signal = AbortSignal.timeout(3_600_000);
  const parts = await getParts(cache, environment, signal, progress.listener).finally(() => progress.close());
  const answer = {
    paths: parts.paths,
    environment: parts.environment,
    istio: istioLines.map((line) => describeIstioLine(parts, line)),
  };
  if (invocation.json) return print(JSON.stringify(answer, undefined, 2));
  for (const [name, path] of Object.entries(parts.paths)) print(`${name.padEnd(26)} ${path}`);
}

async function run(parameters: string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const separator = parameters.indexOf("--");
  const invocation = readInvocation(separator === -1 ? parameters : parameters.slice(0, separator));
  const afterSeparator = separator === -1 ? [] : parameters.slice(separator + 1);
  const root = resolve(import.meta.dirname, "../../..");
  const home = resolve(environment["PILOTHOUSE_HOME"] ?? join(root, ".pilothouse"));
  const cache = resolve(
    environment["PILOTHOUSE_CACHE"] ?? join(environment["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "pilothouse"),
  );
  const state = await openState(home, invocation.name);
  switch (invocation.command) {
    case "up":
      await runUp(state, cache, invocation, environment);
      return 0;
    case "down":
      await takeDown(state, { wipe: invocation.wipe, report: note });
      return 0;
    case "status": {
      const status = await requireStatus(state);
      if (invocation.json) print(JSON.stringify(status, undefined, 2));
      else printStatus(status);
      return status.state === "up" ? 0 : 3;
    }
    case "kubeconfig":
      print((await requireCluster(state, invocation)).kubeconfig);
      return 0;
    case "kubectl": {
      const cluster = await requireCluster(state, invocation);
      const places = { cache, fleetFolder: state.folder };
      const kubectl = await prepareKubectl(cluster, places, environment);
      return runPassThrough(kubectl.program, afterSeparator, kubectl.environment);
    }
    case "kill":
      await killPart(state.processes, await readPart(state, invocation));
      return 0;
    case "start": {
      const part = await readPart(state, invocation);
      await withFleetLock(state, 10_000, () => restartPart(state.processes, part));
      return 0;
    }
    case "logs": {
      const file = logFile(state.processes, await readPart(state, invocation));
      if (!existsSync(file)) throw new FleetError(`${file} is not there: the part was never started.`);
      return runPassThrough("tail", ["-n", "200", ...(invocation.follow ? ["-f"] : []), file], environment);
    }
    case "exec": {
      if (afterSeparator.length === 0)
        throw new FleetError(
          `fleet exec needs a command after --, such as: npm run fleet -- exec -- curl -vk https://name.cp.pilothouse.test\n\n${usage}`,
        );
      if ((await findRunning(state.processes, backbonePart)) === undefined)
        throw new FleetError("The fleet is down. Bring it up: npm run fleet -- up");
      const [program, ...enter] = await enterAsVisitor(state.processes, backbonePart);
      return runPassThrough(program, [...enter, ...afterSeparator], environment);
    }
    case "parts":
      await runParts(cache, invocation, environment);
      return 0;
    case "doctor": {
      const topology = await readTopology(invocation.topology ?? defaultTopologyFile);
      const checks = await doctorParts({ cache, environment, ...(await countMissing(state, topology)) });
      for (const check of checks)
        print(
          `${check.ok ? "ok      " : check.required ? "MISSING " : "little  "} ${check.name.padEnd(30)} ${check.found}${check.ok ? "" : `\n         needed: ${check.needed}. ${check.help}`}`,
        );
      return checks.some((check) => check.required && !check.ok) ? 1 : 0;
    }
    case "help":
      print(usage);
      return 0;
    default:
      throw new FleetError(`There is no command ${invocation.command}.\n\n${usage}`);
  }
}

try {
  process.exitCode = await run(process.argv.slice(2), process.env);
} catch (error) {
  if (!(error instanceof FleetError)) throw error;
  note(`fleet: ${error.message}`);
  process.exitCode = 1;
}
