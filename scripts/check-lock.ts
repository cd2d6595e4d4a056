import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      resolved: z.string().optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

/**
 * Checks package-lock.json for what would break `npm ci` somewhere else: a package for another platform that the registry
 * did not serve when the file was written, and the address of the registry that happened to be used.
 */
export function checkLock(root: string): string[] {
  return checkLockText(readFileSync(join(root, "package-lock.json"), "utf8"));
}

/** Checks a lock file's text; returns one line per problem. */
export function checkLockText(text: string): string[] {
  const { packages } = lockSchema.parse(JSON.parse(text));
  const names = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf("node_modules/"))));
  return Object.entries(packages).flatMap(([path, { resolved, optionalDependencies = {} }]) => [
    ...(resolved?.includes("://") === true ? [`${path} records where it was downloaded from: ${resolved}`] : []),
    ...Object.keys(optionalDependencies)
      .filter((name) => !names.has(`node_modules/${name}`))
      .map((name) => `${path} lacks its optional ${name}, so \`npm ci\` fails; pin a version that has all its parts`),
  ]);
}
