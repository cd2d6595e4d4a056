import { mkdir, readFile, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A cgroup without processes by this name notes one controller of the root that a fleet turned on: it lasts exactly as long as that does, and no fleet owns it. */
const notePrefix = "pilothouse.turned-on.";

const fleetPrefix = "pilothouse-";

const readWords = async (file: string): Promise<string[]> =>
  (await readFile(file, "utf8")).split(/\s+/).filter((word) => word !== "");

const isCode = (error: unknown, codes: string[]): boolean =>
  error instanceof Error && "code" in error && codes.includes(String(error.code));

/** The controllers that a cgroup of version 2 has and does not hand on to the cgroups below it. */
async function listControllersOff(folder: string): Promise<string[]> {
  const on = await readWords(join(folder, "cgroup.subtree_control"));
  return (await readWords(join(folder, "cgroup.controllers"))).filter((controller) => !on.includes(controller));
}

/** Hands every controller of a version 2 cgroup on to the cgroups below it. */
export async function enableControllers(folder: string): Promise<void> {
  const off = await listControllersOff(folder);
  if (off.length === 0) return;
  await writeFile(join(folder, "cgroup.subtree_control"), off.map((controller) => `+${controller}`).join(" "));
}

/**
 * The same for the root of a version 2 hierarchy, which belongs to the whole machine: what was off is noted first, so that
 * `returnRootControllers` can take it back.
 */
export async function enableRootControllers(root: string): Promise<void> {
  for (const controller of await listControllersOff(root))
    await mkdir(join(root, `${notePrefix}${controller}`), { recursive: true });
  await enableControllers(root);
}

/**
 * Turns off what fleets turned on at the root of a version 2 hierarchy, when the last fleet is gone. A controller that a cgroup
 * of somebody else hands on by now stays on. May be repeated, also after one that was cut off.
 */
export async function returnRootControllers(root: string): Promise<void> {
  const folders = (await readdir(root, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  if (folders.some((name) => name.startsWith(fleetPrefix))) return;
  for (const note of folders.filter((name) => name.startsWith(notePrefix))) {
    await writeFile(join(root, "cgroup.subtree_control"), `-${note.slice(notePrefix.length)}`).catch(
      (error: unknown) => {
        if (!isCode(error, ["EBUSY"])) throw error;
      },
    );
    await rmdir(join(root, note)).catch((error: unknown) => {
      if (!isCode(error, ["ENOENT"])) throw error;
    });
  }
}
