import { createHash } from "node:crypto";
import { mkdir, readFile, realpath, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { z } from "zod";

/** Folder of this repository. */
export const root = resolve(import.meta.dirname, "../../..");

/** Where one installation keeps what it is made of, all below PILOTHOUSE_HOME. */
export interface Places {
  home: string;
  /** Tells this installation from others on the machine: in names of locks, and in the environment of all that it starts. */
  mark: string;
  credentials: string;
  setup: string;
  portal: string;
  database: string;
  provider: string;
  registered: string;
  sealingKeys: string;
  logs: string;
  /** Which processes run. */
  run: string;
}

/** Opens the folder, made where there is none: others may pass through it, to the database's own folder, and list or read nothing. */
export async function openPlaces(given: string): Promise<Places> {
  await mkdir(given, { recursive: true, mode: 0o711 });
  const home = await realpath(given);
  const places: Places = {
    home,
    mark: createHash("sha256").update(home).digest("hex").slice(0, 16),
    credentials: join(home, "credentials.json"),
    setup: join(home, "setup.json"),
    portal: join(home, "portal.json"),
    database: join(home, "database.json"),
    provider: join(home, "provider.json"),
    registered: join(home, "registered.json"),
    sealingKeys: join(home, "sealing-keys"),
    logs: join(home, "logs"),
    run: join(home, "run"),
  };
  for (const folder of [places.logs, places.run]) await mkdir(folder, { recursive: true, mode: 0o700 });
  return places;
}

/** Writes a file that its owner alone may read, as a whole or not at all. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  const draft = `${file}.${process.pid}.new`;
  await writeFile(draft, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
  await rename(draft, file);
}

/** What a file holds; undefined where there is none or it is of another form. */
export async function readJson<Schema extends z.ZodType>(
  file: string,
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return undefined;
  }
}
