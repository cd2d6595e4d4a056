import { join } from "node:path";
import { runCommand } from "./command.ts";
import type { Environment } from "./command.ts";
import { findProgram } from "./tool-checks.ts";

/** A Go that can build the toolchains. */
export interface GoTool {
  program: string;
  /** As Go says it: go1.26.8. */
  version: string;
}

const versionTimeoutMs = 30_000;

/** The Go on the PATH, whatever its version; undefined when there is none that runs. */
export async function findMachineGo(environment: Environment, signal: AbortSignal): Promise<GoTool | undefined> {
  const program = await findProgram("go", environment);
  if (program === undefined) return undefined;
  try {
    return { program, version: await readGoVersion(program, environment, signal) };
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** Asks a Go program for its version, without letting it fetch another. */
export async function readGoVersion(program: string, environment: Environment, signal: AbortSignal): Promise<string> {
  const command = [program, "env", "GOVERSION"] as const;
  const settings = { ...environment, GOTOOLCHAIN: "local", GOWORK: "off" };
  const text = await runCommand({
    command,
    folder: "/",
    environment: settings,
    signal,
    timeoutMs: versionTimeoutMs,
  });
  return text.trim();
}

/**
 * Whether a Go version is the wished one or newer.
 * @param version as `go env GOVERSION` says it: go1.26.8, go1.27rc1, "devel ...". A development version does not count.
 * @param minimum as 1.26.0
 */
export function isGoRecent(version: string, minimum: string): boolean {
  const match = /^go(\d+)\.(\d+)(?:\.(\d+))?(rc|beta)?/.exec(version);
  if (match === null) return false;
  const found = [match[1], match[2], match[3] ?? "0"].map(Number);
  const wished = minimum.split(".").map(Number);
  for (const [index, part] of found.entries()) {
    const other = wished[index] ?? 0;
    if (part !== other) return part > other;
  }
  return match[4] === undefined;
}

/** The environment of a Go command for our builds: this platform, static, this Go and no other. */
export function goEnvironment(environment: Environment, go: GoTool, scratch: string): Environment {
  return {
    ...environment,
    // A value of the machine's other Go would mislead this one.
    GOROOT: undefined,
    GO111MODULE: undefined,
    GOTOOLCHAIN: "local",
    GOWORK: "off",
    GOOS: "linux",
    GOARCH: "amd64",
    CGO_ENABLED: "0",
    GOTMPDIR: scratch,
    PATH: [join(go.program, ".."), environment["PATH"] ?? ""].join(":"),
  };
}
