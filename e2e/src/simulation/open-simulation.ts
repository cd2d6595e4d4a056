import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { FleetStatus } from "@pilothouse/fleet";
import type { Fleet, FleetParts } from "../fleet.ts";
import type { SimulationPlan } from "./simulation.ts";

/** A simulation that runs as a program of its own. */
export interface SimulationProcess {
  pid: number;
  /** Takes away, or gives back, the entry of a cluster: an istiod cluster's edge, a mesh cluster's API server. */
  setOpen: (cluster: string, isOpen: boolean) => Promise<void>;
  stop: () => Promise<void>;
}

const startLimitMs = 30_000;

const partsFile = (folder: string): string => `${folder}.parts.json`;

export interface SpawnOptions {
  /** For its files; its log and its parts lie beside it. */
  folder: string;
  /** See `SimulationOptions`. */
  block: number;
  plan: SimulationPlan;
  /** A fleet's charts and programs; no fleet has to be up for them. */
  parts: FleetParts;
}

/** Starts a simulation, which ends with this process. */
export async function spawnSimulation({ folder, block, plan, parts }: SpawnOptions): Promise<SimulationProcess> {
  await mkdir(dirname(folder), { recursive: true });
  await writeFile(partsFile(folder), JSON.stringify(parts));
  const parameters = ["--folder", folder, "--block", String(block), "--plan", JSON.stringify(plan)];
  const program = join(import.meta.dirname, "main.ts");
  const child = spawn(process.execPath, [program, ...parameters], { stdio: ["pipe", "pipe", "pipe"] });
  child.stderr.pipe(createWriteStream(`${folder}.log`));
  const ended = once(child, "close");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const readAnswer = async (wanted: string): Promise<void> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the simulation has ended; see ${folder}.log`);
    if (value !== wanted) throw new Error(`the simulation answers ${value}`);
  };
  const late = setTimeout(() => child.kill("SIGKILL"), startLimitMs);
  await readAnswer("ready");
  clearTimeout(late);
  let last: Promise<void> = Promise.resolve();
  return {
    pid: child.pid ?? 0,
    setOpen(cluster, isOpen) {
      // One after the other, as answers have no names.
      last = last
        .catch(() => undefined)
        .then(() => {
          child.stdin.write(`${JSON.stringify({ cluster, isOpen })}\n`);
          return readAnswer("done");
        });
      return last;
    },
    async stop() {
      child.kill("SIGTERM");
      const stuck = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await ended;
      clearTimeout(stuck);
    },
  };
}

/** Reads a simulation that runs, in the terms of a fleet. */
export function openSimulation(folder: string): Pick<Fleet, "readStatus" | "readParts"> {
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, "utf8"));
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the simulation writes this type; both are of one repository
    readStatus: async () => (await read(join(folder, "status.json"))) as FleetStatus,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
    readParts: async () => (await read(partsFile(folder))) as FleetParts,
  };
}
