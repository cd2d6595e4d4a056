import { setTimeout as sleep } from "node:timers/promises";

/** Waits for `work`, at most `mostMs` milliseconds. Answers whether it has ended; what fails, fails here. */
export async function endsWithin(mostMs: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  try {
    return await Promise.race([work.then(() => true), sleep(mostMs, false, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}
