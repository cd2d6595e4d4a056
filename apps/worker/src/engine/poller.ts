import { describeError, type Log } from "../log.ts";

/** Calls again and again, and at once when asked to; never twice at a time. */
export interface Poller {
  /** Looks in `afterMs` milliseconds, or sooner; at once when absent. */
  kick: (afterMs?: number) => void;
  /** When a look last ended well, on the monotonic clock. */
  lastGoodMs: () => number;
  stop: () => Promise<void>;
}

/** @param intervalMs longest time between two looks, in milliseconds */
export function createPoller(look: () => Promise<void>, intervalMs: number, log: Log): Poller {
  let timer: NodeJS.Timeout | undefined;
  let nextMs = Number.POSITIVE_INFINITY;
  let current: Promise<void> | undefined;
  let isStopped = false;
  let goodMs = performance.now();

  function schedule(afterMs: number): void {
    const atMs = performance.now() + afterMs;
    if (isStopped || atMs >= nextMs) return;
    nextMs = atMs;
    clearTimeout(timer);
    timer = setTimeout(run, afterMs);
  }

  function run(): void {
    nextMs = Number.POSITIVE_INFINITY;
    if (current !== undefined) {
      schedule(20);
      return;
    }
    current = lookOnce();
  }

  async function lookOnce(): Promise<void> {
    try {
      await look();
      goodMs = performance.now();
    } catch (error) {
      log("warn", "a poll failed", { error: describeError(error) });
    } finally {
      current = undefined;
      schedule(intervalMs);
    }
  }

  schedule(0);
  return {
    kick: (afterMs = 0) => schedule(afterMs),
    lastGoodMs: () => goodMs,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await current;
    },
  };
}
