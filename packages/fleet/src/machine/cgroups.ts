import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FleetError } from "../errors.ts";
import { enableControllers, enableRootControllers, returnRootControllers } from "./controllers.ts";

/** One mounted cgroup hierarchy: a controller set of version 1, or the unified one of version 2. */
export interface Hierarchy {
  mountPoint: string;
  version: 1 | 2;
  controllers: string[];
}

const ignoreMissing = (error: unknown): undefined => {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ESRCH" || code === "ENODEV") return undefined;
  throw error;
};

/** The hierarchies mounted on this machine, version 1 and 2 side by side where it is a hybrid. */
async function listHierarchies(): Promise<Hierarchy[]> {
  const mounts = await readFile("/proc/self/mounts", "utf8");
  const hierarchies: Hierarchy[] = [];
  for (const line of mounts.split("\n")) {
    const [, mountPoint, type, options] = line.split(" ");
    if (mountPoint === undefined || options === undefined) continue;
    if (type === "cgroup2") hierarchies.push({ mountPoint, version: 2, controllers: [] });
    if (type === "cgroup") hierarchies.push({ mountPoint, version: 1, controllers: options.split(",") });
  }
  return hierarchies;
}

async function trackingRoot(): Promise<string> {
  const unified = (await listHierarchies()).find((hierarchy) => hierarchy.version === 2);
  if (unified === undefined) {
    throw new FleetError(
      "No cgroup v2 hierarchy is mounted, and the fleet tracks its processes by it. Mount one: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified",
    );
  }
  return unified.mountPoint;
}

/** The cgroup in which a part's processes live, made or not. */
export async function findPartCgroup(fleetGroup: string, part: string): Promise<string> {
  return join(await trackingRoot(), fleetGroup, "parts", part.replaceAll("/", "."));
}

/** Makes the cgroup in which a part's processes live and answers its folder. */
export async function ensurePartCgroup(fleetGroup: string, part: string): Promise<string> {
  const folder = await findPartCgroup(fleetGroup, part);
  await mkdir(folder, { recursive: true });
  return folder;
}

/**
 * Makes the cgroup for commands that are run inside a fleet, and answers its folder; undefined when the fleet is down.
 * Makes none of the folders above it: those of a fleet that has just been taken down must not come back.
 */
export async function ensureVisitorCgroup(fleetGroup: string): Promise<string | undefined> {
  const folder = await findPartCgroup(fleetGroup, "exec");
  try {
    await mkdir(folder);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return undefined;
    if (code !== "EEXIST") throw error;
  }
  return folder;
}

/**
 * Whether pods are bound by this hierarchy. The kubelet and runc take version 2 only where it is mounted at /sys/fs/cgroup itself;
 * on a machine that has both versions they use version 1, and the root of version 2 is nobody's to change.
 */
const bindsPods = (hierarchy: Hierarchy): boolean =>
  hierarchy.version === 1 || hierarchy.mountPoint === "/sys/fs/cgroup";

/**
 * Makes the cgroup under which a kubelet keeps its pods, in every hierarchy.
 * A new cpuset takes no process until it has CPUs and memory nodes, so those are copied from the parent.
 */
export async function ensurePodCgroups(fleetGroup: string, node: string): Promise<void> {
  for (const hierarchy of await listHierarchies()) {
    const handsOn = hierarchy.version === 2 && bindsPods(hierarchy);
    let folder = hierarchy.mountPoint;
    if (handsOn) await enableRootControllers(folder);
    for (const name of [fleetGroup, node]) {
      const parent = folder;
      folder = join(folder, name);
      await mkdir(folder, { recursive: true });
      if (hierarchy.version === 1 && hierarchy.controllers.includes("cpuset")) {
        for (const file of ["cpuset.cpus", "cpuset.mems"])
          await writeFile(join(folder, file), await readFile(join(parent, file)));
      }
      if (handsOn) await enableControllers(folder);
    }
  }
}

/** Takes back what fleets changed at the root of a hierarchy, when no fleet has a cgroup any more. */
export async function restoreRootCgroups(): Promise<void> {
  for (const hierarchy of await listHierarchies())
    if (hierarchy.version === 2 && bindsPods(hierarchy)) await returnRootControllers(hierarchy.mountPoint);
}

/** Every folder at and below a cgroup, children before parents. */
async function listTree(folder: string): Promise<string[]> {
  const entries = (await readdir(folder, { withFileTypes: true }).catch(ignoreMissing)) ?? [];
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => listTree(join(folder, entry.name))),
  );
  return [...below.flat(), folder];
}

/** Process ids in a cgroup and below it. */
async function listProcesses(folder: string): Promise<number[]> {
  const ids = new Set<number>();
  for (const group of await listTree(folder)) {
    const text = (await readFile(join(group, "cgroup.procs"), "utf8").catch(ignoreMissing)) ?? "";
    for (const line of text.split("\n")) if (line !== "") ids.add(Number(line));
  }
  return [...ids];
}

/**
 * Ends every process in the given cgroups and below with SIGKILL, and removes the cgroups.
 * Shims and containers have left their parent's process tree, but not its cgroup.
 * @throws FleetError when a process or a cgroup outlives 10 s of this.
 */
export async function killCgroups(folders: string[]): Promise<void> {
  const deadlineMs = performance.now() + 10_000;
  for (;;) {
    // Looked at anew each time: a command that enters in this very moment brings its cgroup with it.
    const present = folders.filter((folder) => existsSync(folder));
    const ids = new Set((await Promise.all(present.map(listProcesses))).flat());
    ids.delete(0);
    if (ids.size === 0 && (await removeTrees(present))) return;
    if (performance.now() > deadlineMs) {
      const list = [...ids].join(",");
      throw new FleetError(
        ids.size === 0
          ? `These cgroups are empty, but can't be removed: ${present.join(", ")}. Look with: find ${present.join(" ")} -type d`
          : `These processes do not end: ${list}. They may wait for a disk; look with: ps -o pid,stat,wchan,cmd -p ${list}`,
      );
    }
    for (const id of ids) {
      try {
        process.kill(id, "SIGKILL");
      } catch (error) {
        ignoreMissing(error);
      }
    }
    await sleep(20);
  }
}

/** Removes cgroups with all below them. Answers false when one still holds something. */
async function removeTrees(folders: string[]): Promise<boolean> {
  for (const folder of folders) {
    for (const group of await listTree(folder)) {
      try {
        await rmdir(group);
      } catch (error) {
        const code = error instanceof Error && "code" in error ? error.code : undefined;
        if (code === "EBUSY") return false;
        if (code !== "ENOENT") throw error;
      }
    }
  }
  return true;
}

/** All cgroups of a fleet, over every hierarchy. */
export async function listFleetCgroups(fleetGroup: string): Promise<string[]> {
  return (await listHierarchies()).map((hierarchy) => join(hierarchy.mountPoint, fleetGroup));
}

/** The pods' cgroups of one node, over every hierarchy. */
export async function listPodCgroups(fleetGroup: string, node: string): Promise<string[]> {
  return (await listHierarchies()).map((hierarchy) => join(hierarchy.mountPoint, fleetGroup, node));
}
