import { readFile, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type KeptProgram, keepRunning, logFile } from "./keep-running.ts";
import {
  portalUrl,
  prepareProgram,
  type ProgramContext,
  type ProgramName,
  readLogEnd,
  readPortal,
} from "./programs.ts";

/** How long each program may take until it does its work, in milliseconds. */
const startLimitMs = { database: 60_000, web: 60_000, worker: 60_000 } as const;
const pollMs = 100;

/** Everything that is to run beside the fleet. */
export interface ProgramKeeper {
  /** Starts a program, if it is not being kept already, and waits until it does its work. */
  start: (name: ProgramName) => Promise<void>;
  stop: (name: ProgramName) => Promise<void>;
  /** Ends everything, what needs another before that. */
  stopAll: () => Promise<void>;
}

interface KeeperOptions extends Omit<ProgramContext, "onWorkerUrl"> {
  report: (line: string) => void;
  signal: AbortSignal;
}

async function answers(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Makes the keeper of an installation's programs. */
export function createProgramKeeper(options: KeeperOptions): ProgramKeeper {
  const { places, report, signal } = options;
  const kept = new Map<ProgramName, KeptProgram>();
  let workerUrl: string | undefined;
  let databaseLogStart = 0;
  const context: ProgramContext = { ...options, onWorkerUrl: (url) => (workerUrl = url) };

  const isUp = async (name: ProgramName): Promise<boolean> => {
    if (name === "worker") return workerUrl !== undefined && answers(workerUrl);
    if (name === "web") {
      const portal = await readPortal(places);
      return portal !== undefined && answers(portalUrl(portal.port));
    }
    const log = await readFile(logFile(places, name)).catch(() => Buffer.alloc(0));
    // A log that was put aside in between begins anew.
    const start = databaseLogStart > log.length ? 0 : databaseLogStart;
    return /^ready on /m.test(log.subarray(start).toString("utf8"));
  };

  const stop = async (name: ProgramName): Promise<void> => {
    await kept.get(name)?.stop();
    kept.delete(name);
  };

  return {
    async start(name) {
      if (!kept.has(name)) {
        if (name === "database")
          databaseLogStart = (await stat(logFile(places, name)).catch(() => undefined))?.size ?? 0;
        const prepare = (): ReturnType<typeof prepareProgram> => prepareProgram(name, context);
        kept.set(name, keepRunning(name, prepare, { places, report }));
      }
      const deadlineMs = performance.now() + startLimitMs[name];
      while (!(await isUp(name))) {
        signal.throwIfAborted();
        if (performance.now() > deadlineMs) {
          throw new Error(
            `${name} does not answer after ${startLimitMs[name] / 1_000} s. The end of its log (${logFile(places, name)}):\n${await readLogEnd(places, name)}`,
          );
        }
        await sleep(pollMs);
      }
    },
    stop,
    async stopAll() {
      await Promise.all([stop("worker"), stop("web")]);
      await stop("database");
    },
  };
}
