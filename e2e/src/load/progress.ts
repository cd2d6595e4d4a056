/** Shows how far something is: a bar in a terminal, else a line now and then. */
export interface Progress {
  show: (what: string, done: number, all: number) => void;
  /** Ends the bar with a line of its own. */
  say: (text: string) => void;
}

const barWidth = 30;
const lineIntervalMs = 5_000;

/** @param stream where it is shown */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  const startedMs = performance.now();
  let shown = { what: "", atMs: Number.NEGATIVE_INFINITY, done: -1 };
  const elapsed = (): string => `${((performance.now() - startedMs) / 1000).toFixed(0)} s`.padStart(6);
  const clear = (): void => {
    if (stream.isTTY) stream.write("\r\u001b[K");
  };
  return {
    show(what, done, all) {
      if (stream.isTTY) {
        const filled = Math.round((barWidth * done) / Math.max(1, all));
        const bar = `${"█".repeat(filled)}${"░".repeat(barWidth - filled)}`;
        clear();
        stream.write(`${elapsed()}  ${bar} ${done}/${all} ${what}`);
        return;
      }
      const nowMs = performance.now();
      const isDue = what !== shown.what || nowMs - shown.atMs >= lineIntervalMs || done === all;
      if (!isDue || (what === shown.what && done === shown.done && done === all)) return;
      shown = { what, atMs: nowMs, done };
      stream.write(`${elapsed()}  ${what}: ${done} of ${all}\n`);
    },
    say(text) {
      clear();
      stream.write(`${elapsed()}  ${text}\n`);
    },
  };
}
