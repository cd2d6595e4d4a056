import { randomUUID } from "node:crypto";
import { chmod, mkdir, open, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/** A sealing key, both halves. */
export interface KeyPair {
  id: string;
  publicKey: Uint8Array;
  privateKey: Uint8Array;
  createdAt: Date;
}

/** Both halves, base64, and when they were made. */
const keyFileSchema = z.strictObject({ publicKey: z.base64(), privateKey: z.base64(), createdAt: z.iso.datetime() });

const ending = ".key";

/**
 * Reads the keys in a folder, the newest first: files `<key id>.key` that nobody else can read. The folder is made when there is none.
 * @throws Error when a file can be read by others, or is none of Pilothouse's
 */
export async function readKeyFiles(folder: string): Promise<KeyPair[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending));
  const keys = await Promise.all(names.map((name) => readKeyFile(join(folder, name), name.slice(0, -ending.length))));
  // As the database orders them: of two of one time the one with the greater id.
  return keys.toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : -1));
}

/** Writes a new pair into the folder, as a whole or not at all. It is newer than all that are there, whatever the clock says. */
export async function makeKeyFile(
  folder: string,
  { publicKey, privateKey }: Pick<KeyPair, "publicKey" | "privateKey">,
): Promise<KeyPair> {
  const [newest] = await readKeyFiles(folder);
  const createdAt = new Date(Math.max(Date.now(), (newest?.createdAt.getTime() ?? 0) + 1));
  const id = randomUUID();
  const text = JSON.stringify({
    publicKey: Buffer.from(publicKey).toString("base64"),
    privateKey: Buffer.from(privateKey).toString("base64"),
    createdAt: createdAt.toISOString(),
  });
  const path = join(folder, `${id}${ending}`);
  const file = await open(`${path}.new`, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
  return { id, publicKey, privateKey, createdAt };
}

async function readKeyFile(path: string, id: string): Promise<KeyPair> {
  const file = await open(path, "r");
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) throw new Error(`${path} can be read by others: make it mode 0600.`);
  } finally {
    await file.close();
  }
  const parsed = keyFileSchema.safeParse(parseJson(await readFile(path, "utf8")));
  if (!parsed.success) throw new Error(`${path} is no sealing key of Pilothouse.`);
  const { publicKey, privateKey, createdAt } = parsed.data;
  return {
    id,
    publicKey: Buffer.from(publicKey, "base64"),
    privateKey: Buffer.from(privateKey, "base64"),
    createdAt: new Date(createdAt),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What a key file holds is not for an error's message.
    return undefined;
  }
}
