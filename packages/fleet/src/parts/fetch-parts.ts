import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createListUpdater, getDebianPackages } from "./apt.ts";
import type { Environment } from "./command.ts";
import { fetchUnit } from "./fetch-unit.ts";
import type { FetchScope, UnitWork } from "./fetch-unit.ts";
import { compilePrograms, copyModuleFiles, downloadModules } from "./go-build.ts";
import type { GoPart } from "./go-build.ts";
import { findMachineGo, isGoRecent } from "./go-tool.ts";
import type { GoTool } from "./go-tool.ts";
import { sweepLockDrafts } from "./lock.ts";
import type { Manifest, PartSource } from "./manifest.ts";
import { getNpmPackage } from "./npm.ts";
import { obtainPinnedGo } from "./obtain-go.ts";
import { describeError, PartError } from "./part-error.ts";
import { getWheel } from "./pypi.ts";
import type { SourceResult, StepListener } from "./source-context.ts";
import { createWorkFolder, removeFolder, sweepWorkFolders } from "./store.ts";
import type { PlacedPart } from "./store.ts";
import { checkPip, checkTools, formatProblems } from "./tool-checks.ts";

/** Missing parts to get, lower stages first. */
export interface FetchRequest extends FetchScope {
  manifest: Manifest;
  toolchainFolder: string;
  parts: readonly PlacedPart[];
  environment: Environment;
  machineGo: "use" | "ignore";
  /** Go builds at once. */
  concurrency: number;
}

/** Downloads at once, beside the Go builds and the modules' own lane. */
const parallelDownloads = 2;

/**
 * Gets parts in three lanes side by side: downloads (apt, PyPI, npm, files of modules), Go modules of one toolchain
 * after the other, and Go builds, each as soon as its modules are there. One part's failure does not stop the others.
 * @throws PartError "tools-missing" before anything is started; "parts-incomplete" at the end; the signal's reason.
 */
export async function fetchParts(request: FetchRequest): Promise<void> {
  const machineGo = await prepareMachine(request);
  await sweepWorkFolders(request.cache);
  await sweepLockDrafts(join(request.cache, "locks"));
  const obtainGo = once(
    async () =>
      machineGo ??
      obtainPinnedGo(request.manifest, request.environment, request.toolchainFolder, {
        cache: request.cache,
        signal: request.signal,
        onEvent: request.onEvent,
      }),
  );
  const programs = request.parts.filter(({ part }) => part.source.kind === "go");
  const units = groupPrograms(programs);
  const modules = startModuleLane(request, units, obtainGo);
  const updateLists = createListUpdater();
  const failures = new Map<string, unknown>();
  const fetchNoted = async (
    parts: readonly PlacedPart[],
    make: (work: UnitWork) => Promise<SourceResult>,
  ): Promise<void> => {
    try {
      await fetchUnit(request, parts, make);
    } catch (error) {
      failures.set(parts.map(({ part }) => part.name).join(", "), error);
    }
  };
  await Promise.all([
    runQueue(listDownloads(request.parts), parallelDownloads, ({ placed, source }) =>
      fetchNoted([placed], (work) => download(request, source, work, obtainGo, updateLists)),
    ),
    runQueue(units, request.concurrency, (unit) =>
      fetchNoted(unit.parts, async (work) => {
        await modules.wait(unit.toolchain, work.onStep);
        return compilePrograms(listGoParts(work), await createGoContext(request, work, obtainGo));
      }),
    ),
    modules.done,
  ]);
  request.signal.throwIfAborted();
  if (failures.size === 0) return;
  const lines = [...failures].map(([names, error]) => `${names}: ${describeError(error)}`);
  const message = `Some parts could not be got. What is finished stays; correct the cause and try again.\n${lines.join("\n")}`;
  throw new PartError("parts-incomplete", message, { cause: new AggregateError(failures.values()) });
}

/** Finds a Go that will do, and checks that every other program that will be run is there. */
async function prepareMachine(request: FetchRequest): Promise<GoTool | undefined> {
  const { environment, manifest, signal } = request;
  const kinds = new Set<PartSource["kind"]>(request.parts.map(({ part }) => part.source.kind));
  const needsGo = kinds.has("go") || kinds.has("go-files");
  const found = needsGo && request.machineGo === "use" ? await findMachineGo(environment, signal) : undefined;
  const go = found !== undefined && isGoRecent(found.version, manifest.go.minimum) ? found : undefined;
  // Go itself comes as a wheel then.
  if (needsGo && go === undefined) kinds.add("pypi");
  const checks = await checkTools(environment, kinds);
  if (kinds.has("pypi")) checks.push(await checkPip(environment, signal));
  const problems = checks.filter((check) => !check.ok);
  if (problems.length > 0) {
    const message = `This machine lacks what getting the parts takes:\n${formatProblems(problems)}`;
    throw new PartError("tools-missing", message, { problems });
  }
  return go;
}

/** Go programs that one command compiles. */
export interface ProgramUnit {
  toolchain: string;
  parts: PlacedPart[];
}

/** Puts the programs of one toolchain and one stage together; the order stays. */
export function groupPrograms(programs: readonly PlacedPart[]): ProgramUnit[] {
  const units = new Map<string, ProgramUnit>();
  for (const placed of programs) {
    if (placed.part.source.kind !== "go") continue;
    const { toolchain, stamps } = placed.part.source;
    const key = JSON.stringify([placed.part.stage, toolchain, stamps]);
    const unit = units.get(key);
    if (unit === undefined) units.set(key, { toolchain, parts: [placed] });
    else unit.parts.push(placed);
  }
  return [...units.values()];
}

interface ModuleLane {
  /** Settles when the toolchain's modules are in Go's module cache; passes on how far that is. */
  wait: (toolchain: string, onStep: StepListener) => Promise<void>;
  /** Settles, never rejects, when the lane has ended. */
  done: Promise<void>;
}

/** Downloads the modules of one toolchain after the other, in the units' order. */
function startModuleLane(
  request: FetchRequest,
  units: readonly ProgramUnit[],
  obtainGo: () => Promise<GoTool>,
): ModuleLane {
  const listeners = new Map<string, StepListener>();
  const toolchains = new Map<string, { packages: string[]; finished: PromiseWithResolvers<void> }>();
  for (const unit of units) {
    const packages = unit.parts.flatMap(({ part }) => (part.source.kind === "go" ? part.source.package : []));
    const known = toolchains.get(unit.toolchain);
    if (known !== undefined) known.packages.push(...packages);
    else toolchains.set(unit.toolchain, { packages, finished: Promise.withResolvers<void>() });
  }
  for (const { finished } of toolchains.values()) finished.promise.catch(() => undefined);
  const run = async (): Promise<void> => {
    for (const [toolchain, { packages, finished }] of toolchains) {
      let scratch: string | undefined;
      try {
        scratch = await createWorkFolder(request.cache);
        const onStep: StepListener = (...step) => listeners.get(toolchain)?.(...step);
        const context = await createGoContext(request, { scratch, onStep }, obtainGo);
        await downloadModules(toolchain, packages, context);
        finished.resolve();
      } catch (error) {
        finished.reject(error);
      } finally {
        if (scratch !== undefined) await removeFolder(scratch);
      }
    }
  };
  return {
    wait: async (toolchain, onStep) => {
      onStep("downloading modules");
      listeners.set(toolchain, onStep);
      await toolchains.get(toolchain)?.finished.promise;
      listeners.delete(toolchain);
    },
    done: run(),
  };
}

async function createGoContext(
  request: FetchRequest,
  work: Pick<UnitWork, "scratch" | "onStep">,
  obtainGo: () => Promise<GoTool>,
) {
  const { toolchainFolder, environment, signal } = request;
  // Apart from the results, which a build puts into the scratch folder as well.
  const scratch = join(work.scratch, "go");
  await mkdir(scratch, { recursive: true });
  return { go: await obtainGo(), toolchainFolder, environment, signal, scratch, onStep: work.onStep };
}

function listGoParts(work: UnitWork): GoPart[] {
  return work.parts.flatMap(({ part, work: folder }) =>
    part.source.kind === "go" ? { part, source: part.source, work: folder } : [],
  );
}

type DownloadSource = Exclude<PartSource, { kind: "go" }>;

function listDownloads(parts: readonly PlacedPart[]): { placed: PlacedPart; source: DownloadSource }[] {
  return parts.flatMap((placed) => {
    const { source } = placed.part;
    return source.kind === "go" ? [] : { placed, source };
  });
}

async function download(
  request: FetchRequest,
  source: DownloadSource,
  unit: UnitWork,
  obtainGo: () => Promise<GoTool>,
  updateLists: ReturnType<typeof createListUpdater>,
): Promise<SourceResult> {
  const [first] = unit.parts;
  if (first === undefined) return { used: {}, notes: [] };
  const { environment, signal } = request;
  const { work } = first;
  const context = { work, scratch: unit.scratch, environment, signal, onStep: unit.onStep };
  switch (source.kind) {
    case "apt":
      return getDebianPackages(source, context, updateLists);
    case "pypi":
      return getWheel(source, context);
    case "npm":
      return getNpmPackage(source, context);
    case "go-files":
      return copyModuleFiles(source, { ...(await createGoContext(request, unit, obtainGo)), work });
  }
}

/** Runs a task for each item in order, at most `workers` at a time. */
async function runQueue<Item>(
  items: readonly Item[],
  workers: number,
  run: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const work = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: workers }, work));
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => (made ??= make());
}
