import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Part } from "./manifest.ts";

/** Raised when parts made by an older version of this code must be made anew. */
const recipeFormat = 1;

/** Flags of every Go build: static, without paths of the building machine, without debug information. */
export const goBuildFlags = ["-trimpath", "-buildvcs=false", "-mod=readonly", "-gcflags=all=-dwarf=false"];

/**
 * The hash of everything that decides what a part's files are: its source, its outputs, and for Go the files of
 * its toolchain. Where it is used in the fleet (stage, environment) does not count.
 * @returns 64 hexadecimal digits.
 */
export async function hashRecipe(part: Part, toolchainFolder: string): Promise<string> {
  const hash = createHash("sha256");
  hash.update(JSON.stringify(sortKeys({ format: recipeFormat, source: part.source, outputs: part.outputs })));
  if (part.source.kind === "go" || part.source.kind === "go-files") {
    if (part.source.kind === "go") hash.update(JSON.stringify(goBuildFlags));
    const folder = join(toolchainFolder, part.source.toolchain);
    for (const file of (await readdir(folder)).toSorted()) {
      if (!/\.(mod|sum|go)$/.test(file)) continue;
      hash.update(`\0${file}\0`);
      hash.update(await readFile(join(folder, file)));
    }
  }
  return hash.digest("hex");
}

/** The same data with every object's keys in order, so that equal data has one text. */
export function sortKeys(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(sortKeys);
  if (typeof data !== "object" || data === null) return data;
  return Object.fromEntries(
    Object.entries(data)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, value]) => [key, sortKeys(value)]),
  );
}
