import { join } from "node:path";
import type { FleetStatus, IstioLineSupplies } from "@pilothouse/fleet";
import { root } from "./places.ts";
import { runCommand } from "./run-command.ts";

const cli = join(root, "packages/fleet/src/cli.ts");

/** Name of the fleet below PILOTHOUSE_HOME, as it is without --name. */
export const fleetName = "local";

/** What a fleet is made of and consists of. */
export interface Ground {
  status: Pick<FleetStatus, "clusters" | "dns" | "network">;
  parts: { paths: Record<string, string>; istio: IstioLineSupplies[] };
}

interface RunOptions {
  environment: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  onLine?: (line: string) => void;
  allowCodes?: readonly number[];
}

/** Runs a command of the fleet, as a person at a terminal would. */
export function runFleet(
  parameters: readonly string[],
  options: RunOptions,
): Promise<{ code: number | null; output: string }> {
  return runCommand([process.execPath, cli, ...parameters], options);
}

/** Reads a fleet that is up. */
export async function readGround(options: RunOptions): Promise<Ground> {
  const readAnswer = async (command: string): Promise<unknown> =>
    JSON.parse((await runFleet([command, "--json"], { ...options, allowCodes: [3] })).output);
  const [status, parts] = await Promise.all([readAnswer("status"), readAnswer("parts")]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the commands print these types; all are of one repository
  return { status, parts } as Ground;
}
