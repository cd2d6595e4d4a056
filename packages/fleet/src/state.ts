import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { FleetError } from "./errors.ts";
import { findTakenSlots } from "./machine/network.ts";
import type { ProcessScope } from "./machine/processes.ts";
import { acquireLock } from "./parts/lock.ts";
import { type FleetPlan, planFleet } from "./plan.ts";
import { parseTopology, type Topology } from "./topology.ts";

/** Where a fleet is kept and what its processes are called. */
export interface FleetState {
  name: string;
  folder: string;
  processes: ProcessScope;
}

const nodeOwnFolders = ["/run", "/var/lib", "/var/log", "/var/run"];

/**
 * Names the places of a fleet.
 * @param home the folder of all fleets' state (PILOTHOUSE_HOME)
 */
export async function openState(home: string, name: string): Promise<FleetState> {
  if (!/^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$/.test(name)) {
    throw new FleetError(
      `"${name}" is no name for a fleet: 1 to 20 small letters, digits and hyphens, beginning with a letter.`,
    );
  }
  await mkdir(join(home, "fleets"), { recursive: true, mode: 0o700 });
  const folder = join(await realpath(home), "fleets", name);
  const hiding = nodeOwnFolders.find((own) => folder === own || folder.startsWith(`${own}/`));
  if (hiding !== undefined) {
    throw new FleetError(
      `${folder} lies below ${hiding}, which a node of the fleet replaces by its own. Choose another place: PILOTHOUSE_HOME=$HOME/.pilothouse`,
    );
  }
  // Two checkouts may each have a fleet of one name: the folder tells their cgroups apart.
  const mark = createHash("sha256").update(folder).digest("hex").slice(0, 8);
  return {
    name,
    folder,
    processes: {
      recordsFolder: join(folder, "processes"),
      logsFolder: join(folder, "logs"),
      cgroup: `pilothouse-${name}-${mark}`,
    },
  };
}

const PlanFileSchema = z.strictObject({ slot: z.int().min(0).max(63), topology: z.unknown() });

/** The plan of a fleet that was brought up before, or undefined. */
export async function readPlan(state: FleetState): Promise<{ plan: FleetPlan; topology: Topology } | undefined> {
  const file = join(state.folder, "plan.json");
  if (!existsSync(file)) return undefined;
  const saved = PlanFileSchema.parse(JSON.parse(await readFile(file, "utf8")));
  const topology = parseTopology(JSON.stringify(saved.topology), file);
  return { topology, plan: planFleet(state.name, topology, saved.slot) };
}

const isSame = (one: Topology, other: Topology): boolean => JSON.stringify(one) === JSON.stringify(other);

/** The first certificates of a fleet, before which nothing but its network is made. */
const firstCertificates = (state: FleetState): string => join(state.folder, "etcd", "pki");

/** @throws FleetError when the fleet was made with another topology. One that got no further than its network may still change. */
export async function assertSameTopology(state: FleetState, topology: Topology): Promise<void> {
  const existing = await readPlan(state);
  if (existing === undefined || isSame(existing.topology, topology) || !existsSync(firstCertificates(state))) return;
  throw new FleetError(
    `The fleet ${state.name} was made with another topology, and its addresses are in its certificates. Make it anew: npm run fleet -- down --name ${state.name} --wipe`,
  );
}

async function savePlan(state: FleetState, topology: Topology, slot: number): Promise<FleetPlan> {
  const file = join(state.folder, "plan.json");
  await mkdir(state.folder, { recursive: true, mode: 0o700 });
  await writeFile(`${file}.tmp`, JSON.stringify({ slot, topology }, undefined, 2));
  await rename(`${file}.tmp`, file);
  return planFleet(state.name, topology, slot);
}

/**
 * The plan of a fleet: the one it was made with, or a new one on addresses that nothing on this machine uses.
 * @throws FleetError when the fleet exists with another topology.
 */
export async function ensurePlan(state: FleetState, topology: Topology): Promise<FleetPlan> {
  await assertSameTopology(state, topology);
  const existing = await readPlan(state);
  // Its network may be there already, so the addresses stay.
  if (existing !== undefined && !isSame(existing.topology, topology))
    return savePlan(state, topology, existing.plan.slot);
  if (existing !== undefined) return existing.plan;
  // One of two fleets that are made at the same time has no route yet when the other chooses.
  const signal = AbortSignal.timeout(30_000);
  const lock = await acquireLock(join(dirname(state.folder), ".addresses.lock"), { signal, pollMs: 20 });
  try {
    return await savePlan(state, topology, await chooseSlot(state));
  } finally {
    await lock.release();
  }
}

/** A slot that no route of this machine leads into, and no other fleet of the same home has. */
async function chooseSlot(state: FleetState): Promise<number> {
  const taken = await findTakenSlots();
  const fleets = dirname(state.folder);
  for (const name of await readdir(fleets)) {
    const text = await readFile(join(fleets, name, "plan.json"), "utf8").catch(() => undefined);
    if (text !== undefined) taken.add(PlanFileSchema.parse(JSON.parse(text)).slot);
  }
  // Where the search begins depends on the fleet, so that fleets of several homes rarely meet.
  const first = Number.parseInt(state.processes.cgroup.slice(-4), 16) % 64;
  const slot = Array.from({ length: 64 }, (_, offset) => (first + offset) % 64).find(
    (candidate) => !taken.has(candidate),
  );
  if (slot !== undefined) return slot;
  throw new FleetError(
    "Every range from 10.64.0.0/16 to 10.127.0.0/16 has a route on this machine or a fleet already, so a fleet finds no addresses.",
  );
}

/** Removes everything that a fleet keeps. Its processes must be down. */
export async function wipeState(state: FleetState): Promise<void> {
  await rm(state.folder, { recursive: true, force: true });
}

/**
 * Runs `change` while no other process changes this fleet. A lock whose owner has ended is taken over.
 * @param onWait is told the process that is waited for
 * @throws FleetError when another process holds it for longer than `timeoutMs`.
 */
export async function withFleetLock<Result>(
  state: FleetState,
  timeoutMs: number,
  change: () => Promise<Result>,
  onWait: (owner: number) => void = () => undefined,
): Promise<Result> {
  const signal = AbortSignal.timeout(timeoutMs);
  let owner: number | undefined;
  // Beside the folder: that goes with a wipe, while the lock is held and others wait for it.
  const lock = await acquireLock(`${state.folder}.lock`, {
    signal,
    pollMs: 100,
    onWait: (pid) => {
      owner = pid;
      onWait(pid);
    },
  }).catch((error: unknown) => {
    if (owner === undefined || !signal.aborted) throw error;
    throw new FleetError(
      `Process ${owner} is changing the fleet ${state.name}. Wait for it, or end it, and try again.`,
      { cause: error },
    );
  });
  try {
    return await change();
  } finally {
    await lock.release();
  }
}
