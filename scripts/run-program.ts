import { spawn } from "node:child_process";
import { constants } from "node:os";
import { createInterface } from "node:readline";

export interface ProgramResult {
  /** Exit code; 128 + the signal's number where a signal ended the program. */
  code: number;
  /** What the program printed on both streams, if it was captured. */
  output: string;
}

/**
 * Runs a program to its end. SIGINT and SIGTERM that reach this process are handed on to it. With `capture` its output is
 * collected, and told to `onLine` line by line; without it goes to this process's own streams. Rejects only if the program
 * cannot be started.
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  {
    cwd,
    env,
    capture,
    timeoutMs,
    onLine,
  }: {
    cwd: string;
    env: NodeJS.ProcessEnv;
    capture: boolean;
    timeoutMs?: number;
    onLine?: (line: string) => void;
  },
): Promise<ProgramResult> {
  const child = spawn(file, args, {
    cwd,
    env,
    stdio: capture ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"],
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
    if (stream !== null && onLine !== undefined) createInterface({ input: stream }).on("line", onLine);
  }
  const handOn = (signal: NodeJS.Signals) => {
    // A terminal sends its interrupt to the whole foreground group: handed on, the program would get it twice.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  };
  process.on("SIGINT", handOn).on("SIGTERM", handOn);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
    return { code: await promise, output };
  } finally {
    process.off("SIGINT", handOn).off("SIGTERM", handOn);
  }
}
