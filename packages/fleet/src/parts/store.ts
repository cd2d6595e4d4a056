import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { readStartTicks } from "./lock.ts";
import type { Part } from "./manifest.ts";
import { PartError, readErrorCode } from "./part-error.ts";
import { hashRecipe } from "./recipe.ts";

const RecordSchema = z.strictObject({
  name: z.string(),
  version: z.string(),
  licence: z.string(),
  recipe: z.string(),
  finishedAt: z.string(),
  elapsedMs: z.number(),
  /** What was really used: the compiler's version, Debian revisions. */
  used: z.record(z.string(), z.string()),
  /** Where that differs from the manifest. */
  notes: z.array(z.string()),
});

/** What is known of a part that is there; kept as `part.json` in its folder. */
export type PartRecord = z.infer<typeof RecordSchema>;

/** A part and where it belongs in the cache. */
export interface PlacedPart {
  part: Part;
  recipe: string;
  folder: string;
  lockFile: string;
}

/** Says where a part belongs: parts/NAME/VERSION-HASH in the cache. */
export async function placePart(cache: string, part: Part, toolchainFolder: string): Promise<PlacedPart> {
  const recipe = await hashRecipe(part, toolchainFolder);
  const label = `${part.version}-${recipe.slice(0, 12)}`;
  return {
    part,
    recipe,
    folder: join(cache, "parts", part.name, label),
    lockFile: join(cache, "locks", `${part.name}-${label}`),
  };
}

/** The record of a part whose files are all there, or undefined. Costs a few stats. */
export async function findPart(placed: PlacedPart): Promise<PartRecord | undefined> {
  try {
    const record = RecordSchema.parse(JSON.parse(await readFile(join(placed.folder, "part.json"), "utf8")));
    await Promise.all(Object.values(placed.part.outputs).map((path) => stat(join(placed.folder, path))));
    return record;
  } catch {
    return undefined;
  }
}

/**
 * Makes a folder for unfinished work in the cache, on the cache's own file system. Its name says which process it
 * belongs to, so that a later one can tell that it was left behind.
 */
export async function createWorkFolder(cache: string): Promise<string> {
  const startTicks = (await readStartTicks(process.pid)) ?? "0";
  const folder = join(cache, "work", `${process.pid}.${startTicks}.${randomUUID().slice(0, 8)}`);
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Removes the unfinished work of processes that are gone. */
export async function sweepWorkFolders(cache: string): Promise<void> {
  const folder = join(cache, "work");
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [pid, startTicks] = name.split(".");
    if ((await readStartTicks(Number(pid))) !== startTicks) await removeFolder(join(folder, name));
  }
}

/** Removes a folder of ours with all that is in it. */
export const removeFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 3 });

/**
 * Puts a finished part in place by one rename. When another process was faster, its result stays.
 * @throws PartError "output-missing" when the work folder lacks an output of the manifest.
 */
export async function publishPart(
  placed: PlacedPart,
  work: string,
  made: Pick<PartRecord, "elapsedMs" | "used" | "notes">,
): Promise<PartRecord> {
  const { part } = placed;
  for (const [output, path] of Object.entries(part.outputs)) {
    await stat(join(work, path)).catch((error: unknown) => {
      const message = `${part.name} ${part.version} came without ${path} (its output ${output}). Correct its source or outputs in the manifest.`;
      throw new PartError("output-missing", message, { cause: error });
    });
  }
  const record: PartRecord = {
    name: part.name,
    version: part.version,
    licence: part.licence,
    recipe: placed.recipe,
    finishedAt: new Date().toISOString(),
    ...made,
  };
  await writeFile(join(work, "part.json"), `${JSON.stringify(record, undefined, 2)}\n`);
  await mkdir(dirname(placed.folder), { recursive: true });
  if (await renameFolder(work, placed.folder)) return record;
  const present = await findPart(placed);
  if (present !== undefined) return present;
  // What stands there is damaged: a file was removed from it.
  const damaged = `${work}.damaged`;
  await renameFolder(placed.folder, damaged);
  await removeFolder(damaged);
  await rename(work, placed.folder);
  return record;
}

/** Whether the folder could be moved; false when something stands at the new place, or nothing at the old one. */
async function renameFolder(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const code = readErrorCode(error);
    if (code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOENT") return false;
    throw error;
  }
}
