import { randomUUID } from "node:crypto";
import { chmod, mkdir, open, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { createSealingKeys, openSecret, type SealBinding, type SealedText, sealSecret } from "@pilothouse/core";
import { ProvisionerError } from "@pilothouse/provisioner";
import { z } from "zod";

/** The worker's private keys: the one place where sealed secrets can be opened. */
export interface KeyRing {
  /** Public halves, to be made known to those who seal. */
  publicKeys: { id: string; publicKey: Uint8Array }[];
  /** @throws ProvisionerError SealedToUnknownKey (unknown) when the private key is not in the folder */
  openText: (sealed: SealedText) => Promise<string>;
  /** Seals to the newest key. */
  sealText: (
    binding: SealBinding,
    text: string,
  ) => Promise<{ binding: SealBinding; keyId: string; ciphertext: Uint8Array }>;
}

/** Both halves, base64, and when they were made. */
const keyFileSchema = z.strictObject({ publicKey: z.base64(), privateKey: z.base64(), createdAt: z.iso.datetime() });

type KeyPair = { id: string; publicKey: Uint8Array; privateKey: Uint8Array; createdAt: string };

/** Reads the keys in a folder: files `<key id>.key` that nobody else can read. Makes the first one when there is none. */
export async function readKeyRing(folder: string): Promise<KeyRing> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = (await readdir(folder)).filter((name) => name.endsWith(".key"));
  const found = await Promise.all(names.map((name) => readKey(join(folder, name), name.slice(0, -".key".length))));
  const keys = (found.length === 0 ? [await makeKey(folder)] : found).toSorted((a, b) =>
    a.createdAt < b.createdAt ? 1 : -1,
  );
  const byId = new Map(keys.map((key) => [key.id, key]));
  return {
    publicKeys: keys.map(({ id, publicKey }) => ({ id, publicKey })),
    async openText({ keyId, binding, ciphertext }) {
      const key = byId.get(keyId);
      if (key !== undefined) return openSecret(key.privateKey, binding, ciphertext);
      throw new ProvisionerError(
        "unknown",
        "SealedToUnknownKey",
        `A secret (${binding.purpose} of ${binding.objectKind} ${binding.objectId}) is sealed to key ${keyId}, which this worker does not have. Put ${keyId}.key into its folder of sealing keys.`,
      );
    },
    async sealText(binding, text) {
      const [key] = keys;
      if (key === undefined) throw new Error(`There is no sealing key in ${folder}.`);
      return { binding, keyId: key.id, ciphertext: await sealSecret(key.publicKey, binding, text) };
    },
  };
}

async function readKey(path: string, id: string): Promise<KeyPair> {
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
  return { id, publicKey: Buffer.from(publicKey, "base64"), privateKey: Buffer.from(privateKey, "base64"), createdAt };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What a key file holds is not for an error's message.
    return undefined;
  }
}

async function makeKey(folder: string): Promise<KeyPair> {
  const id = randomUUID();
  const { publicKey, privateKey } = await createSealingKeys();
  const createdAt = new Date().toISOString();
  const text = JSON.stringify({
    publicKey: Buffer.from(publicKey).toString("base64"),
    privateKey: Buffer.from(privateKey).toString("base64"),
    createdAt,
  });
  const path = join(folder, `${id}.key`);
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
