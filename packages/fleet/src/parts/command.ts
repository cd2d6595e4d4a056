import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { PartError } from "./part-error.ts";

/** Environment variables, as a process has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A program to run to its end. */
export interface CommandRequest {
  command: readonly [string, ...string[]];
  folder: string;
  environment: Environment;
  timeoutMs: number;
  signal: AbortSignal;
  /** Called with each line of standard error. */
  onErrorLine?: (line: string) => void;
}

const keptErrorLines = 25;
const graceMs = 5_000;

/**
 * Becomes the program, with a watcher beside it in its process group. Standard input comes from the process that wants the program
 * and ends when that has ended, however it did; then the watcher kills the group. A death signal would reach the program alone, and
 * leave the compilers and downloads that it started.
 */
const watchedStart =
  'exec 3<&0 </dev/null; (trap "" TERM; read -r _; kill -KILL 0) <&3 3<&- >/dev/null 2>&1 & exec "$@" 3<&-';

/**
 * Runs a program at low priority (`nice`), in a process group of its own, and answers its standard output. Whatever of the group
 * is left ends with the program, and with this process.
 * @throws PartError "command-failed" with the end of its error output; "tools-missing" when it is not there; the
 * signal's reason when called off.
 */
export async function runCommand(request: CommandRequest): Promise<string> {
  request.signal.throwIfAborted();
  const line = request.command.join(" ");
  const child = spawn("nice", ["-n", "10", "sh", "-c", watchedStart, "sh", ...request.command], {
    cwd: request.folder,
    env: { ...request.environment },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  child.stdin.on("error", () => undefined);
  child.on("exit", () => child.stdin.destroy());
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  const errors = collectLines(child.stderr, request.onErrorLine);

  let wasTooSlow = false;
  const timers: NodeJS.Timeout[] = [];
  const endGroup = (): void => {
    killGroup(child.pid, "SIGTERM");
    timers.push(setTimeout(() => killGroup(child.pid, "SIGKILL"), graceMs));
  };
  timers.push(
    setTimeout(() => {
      wasTooSlow = true;
      endGroup();
    }, request.timeoutMs),
  );
  request.signal.addEventListener("abort", endGroup, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", (error) =>
        reject(
          new PartError("tools-missing", `nice can't be started (${error.message}). It comes with coreutils.`, {
            cause: error,
          }),
        ),
      );
      child.on("close", resolve);
    });
    request.signal.throwIfAborted();
    if (code === 0) return Buffer.concat(output).toString("utf8");
    const why = wasTooSlow
      ? `took longer than ${request.timeoutMs / 60_000} minutes and was ended`
      : `ended with ${code ?? "a signal"}`;
    const said = errors.join("\n");
    throw new PartError("command-failed", `${line} (in ${request.folder}) ${why}${said === "" ? "." : `:\n${said}`}`);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    request.signal.removeEventListener("abort", endGroup);
  }
}

/** The last lines of a stream, as they come. */
function collectLines(stream: Readable, onLine: ((line: string) => void) | undefined): string[] {
  const lines: string[] = [];
  createInterface({ input: stream }).on("line", (line) => {
    lines.push(line);
    if (lines.length > keptErrorLines) lines.shift();
    onLine?.(line);
  });
  return lines;
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended by itself.
  }
}
