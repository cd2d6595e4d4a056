import { spawn } from "node:child_process";
import { FleetError } from "../errors.ts";

/**
 * Runs a short program to its end and answers its standard output.
 * @param options.input is written to its standard input.
 * @throws FleetError with the command and its error output when it fails or takes longer than `timeoutMs` (default 30 s).
 */
export async function runProgram(
  command: [string, ...string[]],
  options: { input?: string; timeoutMs?: number; environment?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<string> {
  const [program, ...parameters] = command;
  const timeoutMs = options.timeoutMs ?? 30_000;
  const signals = [AbortSignal.timeout(timeoutMs), ...(options.signal === undefined ? [] : [options.signal])];
  const child = spawn(program, parameters, {
    stdio: ["pipe", "pipe", "pipe"],
    signal: AbortSignal.any(signals),
    killSignal: "SIGKILL",
    ...(options.environment === undefined ? {} : { env: options.environment }),
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  // A program that ends without reading its input closes the pipe; its exit code tells what happened.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const line = command.join(" ");
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", (error) => {
      const why =
        error.name === "AbortError"
          ? `was ended: it took longer than ${timeoutMs / 1000} s, or was called off`
          : error.message;
      reject(new FleetError(`${line}: ${why}`, { cause: error }));
    });
    child.on("close", resolve);
  });
  if (code !== 0) {
    const said = Buffer.concat(errors).toString("utf8").trim();
    throw new FleetError(`${line}: ended with ${code ?? "a signal"}${said === "" ? "" : `: ${said}`}`);
  }
  return Buffer.concat(output).toString("utf8");
}
