import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import type { FleetStatus, IstioLineSupplies } from "@pilothouse/fleet";

const root = resolve(import.meta.dirname, "../..");
const cli = join(root, "packages/fleet/src/cli.ts");

/** Paths of the fleet's programs, and what it has of each version line. */
export interface FleetParts {
  paths: Record<string, string>;
  environment: Record<string, string>;
  istio: IstioLineSupplies[];
}

/** The fleet as a person at a terminal has it: every call is a run of its command. */
export interface Fleet {
  name: string;
  /** Runs a command of the fleet; its progress goes to this process's error output unless `quiet`. */
  run(parameters: string[], options?: { quiet?: boolean; allowCodes?: number[] }): Promise<string>;
  readStatus(): Promise<FleetStatus>;
  readParts(): Promise<FleetParts>;
}

/** Speaks to the fleet of a name. */
export function openFleet(name: string, environment: NodeJS.ProcessEnv): Fleet {
  const run: Fleet["run"] = async (parameters, options = {}) => {
    // What comes after -- belongs to the command that exec runs.
    const [command = "", ...rest] = parameters;
    const child = spawn(process.execPath, [cli, command, "--name", name, ...rest], {
      stdio: ["ignore", "pipe", options.quiet === true ? "pipe" : "inherit"],
      env: environment,
    });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk));
    const code = await new Promise<number | null>((settle, fail) => {
      child.on("error", fail);
      child.on("close", settle);
    });
    if (code !== 0 && !(options.allowCodes ?? []).includes(code ?? -1)) {
      throw new Error(
        `fleet ${parameters.join(" ")} ended with ${code ?? "a signal"}: ${Buffer.concat(errors).toString("utf8")}`,
      );
    }
    return Buffer.concat(output).toString("utf8");
  };
  return {
    name,
    run,
    async readStatus() {
      const answer: unknown = JSON.parse(await run(["status", "--json"], { quiet: true, allowCodes: [3] }));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the command prints this type; both are of one repository
      return answer as FleetStatus;
    },
    async readParts() {
      const answer: unknown = JSON.parse(await run(["parts", "--json"], { quiet: true }));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
      return answer as FleetParts;
    },
  };
}
