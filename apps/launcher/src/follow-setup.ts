import type { Setup, SetupStep } from "@pilothouse/contract";

const marks = { done: "done   ", failed: "FAILED ", running: "       ", waiting: "       " } as const;

const secondsOf = ({ startedAt, finishedAt }: SetupStep): string =>
  startedAt === null || finishedAt === null
    ? ""
    : `${((Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000).toFixed(1)} s`;

/** Tells what is new in a setup, line by line, however often it is looked at. */
export function createSetupTeller(print: (line: string) => void): (setup: Setup) => void {
  const told = new Map<string, string>();
  return ({ steps }) => {
    for (const step of steps) {
      const { name, label, state, message } = step;
      const text = `${state} ${message ?? ""}`;
      if (state === "waiting" || told.get(name) === text) continue;
      const isNew = !told.has(name);
      told.set(name, text);
      if (state === "running" && isNew) print(`        ...       ${label}`);
      if (state === "running" && message !== null) print(`                    ${message}`);
      if (state === "done" || state === "failed") print(`${marks[state]} ${secondsOf(step).padStart(8)}  ${label}`);
    }
  };
}
