/** How many looks may run at a time, in all and per shard. */
export interface Limits {
  /** Takes a place; false when there is none. */
  tryAcquire: (shard: string) => boolean;
  release: (shard: string) => void;
  /** Places left in all. */
  free: () => number;
  /** Shards without a place left. */
  listFull: () => string[];
  perShard: number;
  running: () => number;
  /** Whether places were short within the last `ms` milliseconds, of this shard or in all: then waiting is explained. */
  wasShort: (shard: string, ms: number) => boolean;
}

/** Counts places. @param nowMs a monotonic clock */
export function createLimits(
  { overall, perShard }: { overall: number; perShard: number },
  nowMs: () => number = () => performance.now(),
): Limits {
  const counts = new Map<string, number>();
  const shortAtMs = new Map<string, number>();
  let running = 0;
  const inAll = "*";
  const mark = (shard: string): void => {
    if (running >= overall) shortAtMs.set(inAll, nowMs());
    if ((counts.get(shard) ?? 0) >= perShard) shortAtMs.set(shard, nowMs());
  };
  return {
    perShard,
    running: () => running,
    free: () => overall - running,
    listFull: () => [...counts].filter(([, count]) => count >= perShard).map(([shard]) => shard),
    tryAcquire(shard) {
      const count = counts.get(shard) ?? 0;
      if (running >= overall || count >= perShard) return false;
      counts.set(shard, count + 1);
      running += 1;
      mark(shard);
      return true;
    },
    release(shard) {
      mark(shard);
      counts.set(shard, (counts.get(shard) ?? 1) - 1);
      running -= 1;
    },
    wasShort: (shard, ms) =>
      [inAll, shard].some((name) => nowMs() - (shortAtMs.get(name) ?? Number.NEGATIVE_INFINITY) < ms) ||
      running >= overall ||
      (counts.get(shard) ?? 0) >= perShard,
  };
}
