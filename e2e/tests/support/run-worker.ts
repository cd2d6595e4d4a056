import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** What a worker process is to do; see worker.ts. */
export interface WorkerJob {
  verb: "connect" | "reconcile" | "renewCredential" | "remove" | "renewConnection" | "disconnect";
  cluster: string;
  line?: string;
  revision?: string;
  mesh?: unknown;
  connectionFile?: string;
  aheadMs?: number;
  stopAfter?: string;
  signal?: "SIGKILL" | "SIGSTOP";
  deadlineMs?: number;
}

/** A worker process on its way. */
export interface Worker {
  /** Steps and failures, in the order in which they were printed. */
  steps: string[];
  /** Settles when the step has been printed; rejects when the process ends without it. */
  reached(step: string): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** How the process ended. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts a worker process with a job. */
export function startWorker(job: WorkerJob): Worker {
  const child = spawn(process.execPath, [join(import.meta.dirname, "worker.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const steps: string[] = [];
  const output = createInterface({ input: child.stdout });
  const waiting = new Map<string, () => void>();
  output.on("line", (line) => {
    steps.push(line);
    waiting.get(line)?.();
  });
  child.stdin.end(`${JSON.stringify(job)}\n`);
  // A worker that stopped itself would outlive a test that fails while it waits.
  process.once("exit", () => child.kill("SIGKILL"));
  const ended = once(child, "close").then(() => ({ code: child.exitCode, signal: child.signalCode }));
  return {
    steps,
    async reached(step) {
      if (steps.includes(step)) return;
      const seen = new Promise<boolean>((settle) => waiting.set(step, () => settle(true)));
      if (!(await Promise.race([seen, ended.then(() => steps.includes(step))])))
        throw new Error(`the worker ended before ${step}: ${steps.join(", ")}`);
    },
    signal: (signal) => void child.kill(signal),
    ended,
  };
}
