import { createHash } from "node:crypto";
import { createSealingKeys, openSecret, type SealBinding, type SealedText, sealSecret } from "@pilothouse/core";
import { ProvisionerError } from "@pilothouse/provisioner";
import { type KeyPair, makeKeyFile, readKeyFiles } from "./key-files.ts";

/** The worker's private keys: the one place where sealed secrets can be opened. */
export interface KeyRing {
  /** Public halves, to be made known to those who seal; the newest first. */
  listPublicKeys: () => { id: string; publicKey: Uint8Array; createdAt: Date }[];
  /**
   * Reads the folder anew: a key that came is there from now on, and one that was taken away is not.
   * @throws Error when the folder can't be read or holds no key any more; then all stays as it was
   */
  reload: () => Promise<void>;
  /**
   * Opens a secret. A key that is not known is looked for in the folder first.
   * @throws ProvisionerError SealedToUnknownKey (unknown) when the private key is not in the folder, SealBroken (unknown) when it can't be opened with it
   */
  openText: (sealed: Pick<SealedText, "binding" | "keyId" | "ciphertext">) => Promise<string>;
  /** Seals to the newest key. */
  sealText: (
    binding: SealBinding,
    text: string,
  ) => Promise<{ binding: SealBinding; keyId: string; ciphertext: Uint8Array }>;
}

/** Looks and sentinels of an object open the same secret within moments, at a millisecond of processor time each. In milliseconds. */
const keptMs = 120_000;
const mostKept = 4_096;
/** A tenant's kubeconfig is never kept: it is erased when the cluster is connected. */
const keptPurposes: ReadonlySet<string> = new Set(["cluster-token", "istiod-cluster-access"]);

/** Reads the keys in a folder. Makes the first one when there is none. */
export async function readKeyRing(folder: string): Promise<KeyRing> {
  let keys = await readKeyFiles(folder);
  if (keys.length === 0) keys = [await makeKeyFile(folder, await createSealingKeys())];
  const find = (id: string): KeyPair | undefined => keys.find((key) => key.id === id);

  const kept = new Map<string, { text: Promise<string>; atMs: number }>();

  function openOnce(
    key: KeyPair,
    { binding, ciphertext }: Pick<SealedText, "binding" | "ciphertext">,
  ): Promise<string> {
    const open = (): Promise<string> => openSecret(key.privateKey, binding, ciphertext);
    if (!keptPurposes.has(binding.purpose)) return open();
    const nowMs = performance.now();
    for (const [oldest, { atMs }] of kept) {
      if (nowMs - atMs < keptMs && kept.size < mostKept) break;
      kept.delete(oldest);
    }
    const id = createHash("sha256")
      .update(
        JSON.stringify([key.id, binding.id, binding.tenantId, binding.purpose, binding.objectKind, binding.objectId]),
      )
      .update(ciphertext)
      .digest("base64");
    const found = kept.get(id);
    if (found !== undefined) return found.text;
    const text = open();
    kept.set(id, { text, atMs: nowMs });
    text.catch(() => kept.delete(id));
    return text;
  }

  async function reload(): Promise<void> {
    const found = await readKeyFiles(folder);
    if (found.length === 0) throw new Error(`There is no sealing key in ${folder} any more. Put it back.`);
    keys = found;
    kept.clear();
  }

  return {
    listPublicKeys: () => keys.map(({ id, publicKey, createdAt }) => ({ id, publicKey, createdAt })),
    reload,
    async openText({ keyId, binding, ciphertext }) {
      if (find(keyId) === undefined) await reload();
      const key = find(keyId);
      if (key !== undefined) {
        return openOnce(key, { binding, ciphertext }).catch((error: unknown) => {
          const { message } = error instanceof Error ? error : { message: "It can't be opened." };
          throw new ProvisionerError(
            "unknown",
            "SealBroken",
            `${message} Connect or give access again, to store it anew.`,
          );
        });
      }
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
