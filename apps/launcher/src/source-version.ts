import { createHash } from "node:crypto";
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./places.ts";

/** What the programs are made of. */
const sources = [
  "{apps,packages}/*/src/**/*.{ts,tsx,css}",
  "{apps,packages}/*/package.json",
  "apps/web/next.config.ts",
  "packages/fleet/*.yaml",
  "prisma/migrations/**/*.sql",
  "package-lock.json",
];

/** Names all sources and `options` in one word, so that what was started from others is seen to be out of date. */
export async function readSourceVersion(options: unknown): Promise<string> {
  const paths = globSync(sources, { cwd: root, exclude: (path) => /\.test\.tsx?$/.test(path) }).toSorted();
  const hash = createHash("sha256").update(JSON.stringify(options)).update(process.version);
  const texts = await Promise.all(paths.map((path) => readFile(join(root, path))));
  paths.forEach((path, index) => hash.update(`\0${path}\0`).update(texts[index] ?? ""));
  return hash.digest("hex").slice(0, 16);
}
