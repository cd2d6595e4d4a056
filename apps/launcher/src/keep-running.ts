import { spawn } from "node:child_process";
import { closeSync, openSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Places } from "./places.ts";
import { endProcesses, findRecorded, forgetProcess, recordProcess } from "./process-identity.ts";

/** A program that is to run all the time. */
export interface Program {
  name: string;
  command: readonly string[];
  environment: NodeJS.ProcessEnv;
  cwd: string;
}

/** A program that is started again whenever it ends. */
export interface KeptProgram {
  /** Ends it for good. */
  stop: () => Promise<void>;
}

/** Pause before another start, in milliseconds: doubled with each that does not last, and short again after one that does. */
const pauses = { first: 250, longest: 10_000, lastingMs: 60_000 };
const stopGraceMs = 20_000;
/** A log that is larger when its program starts is put aside, in place of the one before. */
const largestLogBytes = 20 * 1024 * 1024;

export const recordFile = (places: Places, name: string): string => join(places.run, `${name}.json`);
export const logFile = (places: Places, name: string): string => join(places.logs, `${name}.log`);

/** Opens a program's log, to which everything is appended. */
export function openLog(file: string): number {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes > largestLogBytes) renameSync(file, `${file}.old`);
  return openSync(file, "a", 0o600);
}

/**
 * Starts a program, and starts it again whenever it ends. Its output goes to its log, and its identity to a record.
 * @param prepare is asked before each start, as a port may have to be another
 * @param report is told of each end that nobody asked for
 */
export function keepRunning(
  name: string,
  prepare: () => Promise<Program>,
  { places, report }: { places: Places; report: (line: string) => void },
): KeptProgram {
  const stopping = new AbortController();
  const record = recordFile(places, name);

  const runOnce = async (): Promise<string> => {
    const { command, environment, cwd } = await prepare();
    const [file = "", ...parameters] = command;
    const log = openLog(logFile(places, name));
    try {
      // In a group of its own, so that a terminal's signals do not reach it.
      const child = spawn(file, parameters, { env: environment, cwd, stdio: ["ignore", log, log], detached: true });
      const ended = new Promise<string>((settle) => {
        child.once("error", (error) => settle(error.message));
        child.once("exit", (code, signal) =>
          settle(code === null ? `by ${signal ?? "a signal"}` : `with code ${code}`),
        );
      });
      if (child.pid !== undefined) await recordProcess(record, child.pid);
      return await ended;
    } finally {
      closeSync(log);
    }
  };

  const run = async (): Promise<void> => {
    let pauseMs = pauses.first;
    while (!stopping.signal.aborted) {
      const startedMs = performance.now();
      const how = await runOnce().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
      if (stopping.signal.aborted) return;
      pauseMs = performance.now() - startedMs > pauses.lastingMs ? pauses.first : pauseMs;
      report(`${name} ended ${how}; it is started again in ${pauseMs} ms. Its log: ${logFile(places, name)}`);
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      pauseMs = Math.min(2 * pauseMs, pauses.longest);
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      const isOver = running.then(() => true);
      // It may just be about to start, and have no record yet.
      do {
        const found = await findRecorded(record);
        if (found !== undefined) await endProcesses([found], stopGraceMs);
      } while (!(await Promise.race([isOver, sleep(50, false)])));
      await forgetProcess(record);
    },
  };
}
