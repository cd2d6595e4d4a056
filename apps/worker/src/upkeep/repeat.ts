import { describeError, type Log } from "../log.ts";

/** Something that is done again and again, one after the other. */
export interface Repetition {
  stop: () => Promise<void>;
}

/**
 * Runs `work` every `intervalMs` milliseconds, the first time after a random part of it; a failure is logged and the next run goes on.
 * @param firstMs instead of that random part
 */
export function repeat(
  name: string,
  intervalMs: number,
  work: () => Promise<unknown>,
  { log, firstMs = Math.random() * intervalMs }: { log: Log; firstMs?: number },
): Repetition {
  let isStopped = false;
  let current: Promise<void> | undefined;
  let timer = setTimeout(run, firstMs);
  function run(): void {
    current = work()
      .then(() => undefined)
      .catch((error: unknown) => log("warn", `${name} failed`, { error: describeError(error) }))
      .finally(() => {
        current = undefined;
        if (!isStopped) timer = setTimeout(run, intervalMs);
      });
  }
  return {
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await current;
    },
  };
}
