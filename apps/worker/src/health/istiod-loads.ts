import {
  type Database,
  type IstiodLoad as StoredLoad,
  forgetProxies,
  loadIstiodClusters,
  saveIstiodLoads,
} from "@pilothouse/core";
import type { IstiodCluster, IstiodLoad } from "@pilothouse/provisioner";
import type { KeyRing } from "../key-ring.ts";
import { describeError, type Log } from "../log.ts";
import type { Provisioner } from "../provisioner.ts";
import { openIstiodCluster } from "../reconcilers/open-access.ts";

/** A revision that this worker watches, and where it runs. */
export interface WatchedRevision {
  revisionId: string;
  istiodCluster: string;
}

export interface LoadWatchOptions {
  database: Database;
  provisioner: Provisioner;
  keys: KeyRing;
  listWatched: () => readonly WatchedRevision[];
  listBlockedShards: () => string[];
  /** Begins no further look when it is aborted. */
  signal: AbortSignal;
  log: Log;
  /** Between two looks at a revision, in milliseconds. */
  intervalMs?: number;
  nowMs?: () => number;
}

/** Asks istiods what they count: proxies, CPU, memory. */
export interface LoadWatch {
  /** Looks at the revisions whose turn it is, and stores what they said. Answers how many said something. */
  round: () => Promise<number>;
}

interface Seat {
  nextAtMs: number;
  /** Looks in a row that brought nothing. */
  failures: number;
  /** CPU seconds of each pod at the last look. */
  before: Map<string, { cpuSeconds: number; atMs: number }>;
}

const usualIntervalMs = 60_000;
/** First looks at many revisions are so far apart, in milliseconds: a worker that starts does not ask for all at once. */
const apartMs = 50;
/** So many looks in a row that bring nothing, and what was known is no longer told. */
const mostFailures = 3;
const mostAtOnce = 4;
/** Of one round, so that what was said is stored soon. */
const mostInRound = 100;

/** @param options.listWatched those of this worker's sentinels, so that each revision is asked by one worker */
export function createLoadWatch(options: LoadWatchOptions): LoadWatch {
  const { database, provisioner, log, signal, intervalMs = usualIntervalMs, nowMs = () => performance.now() } = options;
  const seats = new Map<string, Seat>();

  function findDue(): (WatchedRevision & { seat: Seat })[] {
    const watched = options.listWatched();
    const ids = new Set(watched.map(({ revisionId }) => revisionId));
    for (const id of seats.keys()) if (!ids.has(id)) seats.delete(id);
    const spreadMs = Math.min(intervalMs, watched.length * apartMs);
    const due = watched.flatMap((one) => {
      const seat = seats.get(one.revisionId) ?? {
        nextAtMs: nowMs() + Math.random() * spreadMs,
        failures: 0,
        before: new Map<string, { cpuSeconds: number; atMs: number }>(),
      };
      seats.set(one.revisionId, seat);
      return seat.nextAtMs <= nowMs() ? [{ ...one, seat }] : [];
    });
    return due.toSorted((a, b) => a.seat.nextAtMs - b.seat.nextAtMs).slice(0, mostInRound);
  }

  async function look(
    cluster: IstiodCluster | undefined,
    revisionId: string,
    seat: Seat,
  ): Promise<StoredLoad | undefined> {
    seat.nextAtMs = nowMs() + intervalMs * (0.9 + 0.2 * Math.random());
    try {
      if (cluster === undefined) throw new Error("its cluster is not called now");
      const loads = await provisioner.readIstiodLoads(cluster, revisionId);
      seat.failures = 0;
      return summarizeLoads(revisionId, loads, seat, nowMs());
    } catch (error) {
      // Said once: it is no fault of the mesh, and others see whether istiod is well.
      if (seat.failures === 0)
        log("info", "an istiod can't be asked for its proxies", { revision: revisionId, error: describeError(error) });
      seat.failures += 1;
      return undefined;
    }
  }

  return {
    async round() {
      const due = findDue();
      if (due.length === 0) return 0;
      const blocked = options.listBlockedShards();
      const names = new Set(due.map(({ istiodCluster }) => istiodCluster).filter((name) => !blocked.includes(name)));
      const clusters = await openClusters(options, names);
      const found: StoredLoad[] = [];
      const waiting = [...due];
      const work = async (): Promise<void> => {
        for (let one = waiting.shift(); one !== undefined && !signal.aborted; one = waiting.shift()) {
          const load = await look(clusters.get(one.istiodCluster), one.revisionId, one.seat);
          if (load !== undefined) found.push(load);
        }
      };
      await Promise.all(Array.from({ length: mostAtOnce }, work));
      await saveIstiodLoads(database, found);
      const lost = due.filter(({ seat }) => seat.failures === mostFailures);
      await forgetProxies(
        database,
        lost.map(({ revisionId }) => revisionId),
      );
      return found.length;
    },
  };
}

async function openClusters(
  { database, keys, log }: Pick<LoadWatchOptions, "database" | "keys" | "log">,
  names: ReadonlySet<string>,
): Promise<Map<string, IstiodCluster>> {
  const opened = new Map<string, IstiodCluster>();
  for (const cluster of await loadIstiodClusters(database)) {
    if (!names.has(cluster.name)) continue;
    try {
      opened.set(cluster.name, await openIstiodCluster(keys, cluster));
    } catch (error) {
      log("warn", "an istiod cluster can't be used", { shard: cluster.name, error: describeError(error) });
    }
  }
  return opened;
}

/**
 * All replicas of a revision together. CPU is what they used since the last look; not known until each of them was looked at twice.
 * @param seat remembers what they had used at the last look
 */
export function summarizeLoads(
  revisionId: string,
  loads: readonly IstiodLoad[],
  seat: Pick<Seat, "before">,
  nowMs: number,
): StoredLoad {
  const cpuMilli = sum(loads.map((load) => measureCpu(load, seat.before.get(load.pod), nowMs)));
  seat.before = new Map(
    loads.flatMap(({ pod, cpuSeconds }) =>
      cpuSeconds === undefined ? [] : [[pod, { cpuSeconds, atMs: nowMs }] as const],
    ),
  );
  const bytes = sum(loads.map(({ memoryBytes }) => memoryBytes ?? null));
  return {
    revisionId,
    proxies: loads.reduce((total, { proxies }) => total + proxies, 0),
    cpuMilli: cpuMilli === null ? null : Math.round(cpuMilli),
    memoryMib: bytes === null ? null : Math.round(bytes / 2 ** 20),
  };
}

/** In thousandths of a core. A counter that went back is of a process that began anew in the same pod. */
function measureCpu(
  { cpuSeconds }: IstiodLoad,
  before: { cpuSeconds: number; atMs: number } | undefined,
  nowMs: number,
): number | null {
  if (cpuSeconds === undefined || before === undefined || nowMs <= before.atMs || cpuSeconds < before.cpuSeconds)
    return null;
  return ((cpuSeconds - before.cpuSeconds) / ((nowMs - before.atMs) / 1_000)) * 1_000;
}

/** Not known when one of them is not. */
function sum(values: readonly (number | null)[]): number | null {
  let total = 0;
  for (const value of values) {
    if (value === null) return null;
    total += value;
  }
  return total;
}
