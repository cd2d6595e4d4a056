import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { root } from "./places.ts";

interface CommandOptions {
  environment: NodeJS.ProcessEnv;
  cwd?: string;
  signal?: AbortSignal;
  /** Is told each line of its error output. */
  onLine?: (line: string) => void;
  /** Exit codes that are answers as well. */
  allowCodes?: readonly number[];
}

/** How long a command may take to end after it was asked to, in milliseconds. */
const graceMs = 15_000;
const keptLines = 15;

/**
 * Runs a command to its end.
 * @returns its exit code, and what it printed on its standard output
 * @throws Error with the end of its error output when its code is neither 0 nor allowed; the signal's reason when it was called off
 */
export async function runCommand(
  [file = "", ...parameters]: readonly string[],
  { environment, cwd = root, signal, onLine, allowCodes = [] }: CommandOptions,
): Promise<{ code: number | null; output: string }> {
  signal?.throwIfAborted();
  const child = spawn(file, parameters, { env: environment, cwd, stdio: ["ignore", "pipe", "pipe"] });
  let killing: NodeJS.Timeout | undefined;
  const callOff = (): void => {
    child.kill("SIGTERM");
    killing = setTimeout(() => child.kill("SIGKILL"), graceMs);
  };
  signal?.addEventListener("abort", callOff, { once: true });
  const output: Buffer[] = [];
  child.stdout.on("data", (piece: Buffer) => output.push(piece));
  const last: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    last.push(line);
    if (last.length > keptLines) last.shift();
    onLine?.(line);
  });
  try {
    const code = await new Promise<number | null>((settle, fail) => {
      child.once("error", fail);
      child.once("close", settle);
    });
    signal?.throwIfAborted();
    if (code !== 0 && !allowCodes.includes(code ?? -1)) {
      const command = [file === process.execPath ? "node" : file, ...parameters].join(" ").replaceAll(`${root}/`, "");
      throw new Error(`\`${command}\` ended with ${code ?? "a signal"}:\n${last.join("\n")}`);
    }
    return { code, output: Buffer.concat(output).toString("utf8") };
  } finally {
    clearTimeout(killing);
    signal?.removeEventListener("abort", callOff);
  }
}
