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
 * Runs a program at low priority (`nice`), in a process group of its own that ends with this process, and answers its
 * standard output.
 * @throws PartError "command-failed" with the end of its error output; "tools-missing" when it is not there; the
 * signal's reason when called off.
 */
export async function runCommand(request: CommandRequest): Promise<string> {
  request.signal.throwIfAborted();
  const line = request.command.join(" ");
  // Without the death signal, a build would go on when this process is killed.
  const wrapped = ["-n", "10", "setpriv", "--pdeathsig", "TERM", "--", ...request.command];
  const child = spawn("nice", wrapped, {
    cwd: request.folder,
    env: { ...request.environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
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
