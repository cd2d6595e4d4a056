import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Folders that hold no source. */
export const ignoredDirectories = new Set([".git", ".next", ".pilothouse", ".turbo", "coverage", "node_modules"]);

/**
 * Lists the repository's files whose name ends in one of `endings`, in name order, as paths from `root` with forward
 * slashes. Folders that hold no source (dependencies, caches) are left out.
 */
export function listFiles(root: string, endings: readonly string[], directory = ""): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
      if (entry.isDirectory()) return ignoredDirectories.has(entry.name) ? [] : listFiles(root, endings, path);
      return endings.some((ending) => entry.name.endsWith(ending)) ? [path] : [];
    });
}
