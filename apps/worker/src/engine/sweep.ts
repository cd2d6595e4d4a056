import { type Database, type DueWork, findMissedWork, nameWork } from "@pilothouse/core";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Limits } from "./limits.ts";

/** An object that has been due for so long without anybody looking at it was missed, in milliseconds. */
const missedAfterMs = 15_000;
const mostItems = 200;

export interface SweepOptions {
  database: Database;
  limits: Limits;
  listBlockedShards: () => string[];
  take: (items: readonly DueWork[]) => Promise<number>;
  metrics: Metrics;
  log: Log;
  signal: AbortSignal;
}

/**
 * Finds what poller and queue missed, has it looked at, and counts it. What waits because there was no place for it, or because its shard is not
 * called now, was not missed.
 * @returns how many were found
 */
export async function sweepMissedWork(options: SweepOptions): Promise<number> {
  const { database, limits, metrics, log, signal } = options;
  const query = {
    kinds: ["cluster", "revision"] as const,
    limit: mostItems,
    limitPerShard: mostItems,
    blockedShards: options.listBlockedShards(),
    overdueMs: missedAfterMs,
  };
  const missed = (await findMissedWork(database, query, signal)).filter(
    ({ shard }) => !limits.wasShort(shard, missedAfterMs),
  );
  if (missed.length === 0) return 0;
  metrics.sweepCorrections.inc(missed.length);
  log("error", "poller and queue missed objects that were due; the sweep takes them", {
    work: missed.map(nameWork).slice(0, 20),
    count: missed.length,
  });
  await options.take(missed);
  return missed.length;
}
