import { setTimeout as sleep } from "node:timers/promises";

/** Whether something answered, all the time. */
export interface AnswerWatch {
  /** The longest that it took for an answer which was waited for in a span of time, in milliseconds; both ends in Unix time. */
  findLongest: (fromMs: number, untilMs: number) => number;
  stop: () => Promise<void>;
}

const pauseMs = 500;

/** Asks again and again, and notes how long each answer took. An error is no answer, and what is asked next goes on with the same wait. */
export function watchAnswers(ask: () => Promise<unknown>): AnswerWatch {
  const waits: { fromMs: number; untilMs: number }[] = [];
  const ending = new AbortController();
  const watching = (async () => {
    let fromMs = Date.now();
    while (!ending.signal.aborted) {
      const isAnswered = await ask().then(
        () => true,
        () => false,
      );
      if (isAnswered) waits.push({ fromMs, untilMs: Date.now() });
      if (isAnswered) fromMs = Date.now();
      await sleep(pauseMs);
    }
  })();
  return {
    findLongest: (fromMs, untilMs) =>
      Math.max(
        0,
        ...waits
          .filter((wait) => wait.fromMs < untilMs && wait.untilMs > fromMs)
          .map((wait) => wait.untilMs - wait.fromMs),
      ),
    async stop() {
      ending.abort();
      await watching;
    },
  };
}
