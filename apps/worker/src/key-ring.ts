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

/** Reads the keys in a folder. Makes the first one when there is none. */
export async function readKeyRing(folder: string): Promise<KeyRing> {
  let keys = await readKeyFiles(folder);
  if (keys.length === 0) keys = [await makeKeyFile(folder, await createSealingKeys())];
  const find = (id: string): KeyPair | undefined => keys.find((key) => key.id === id);

  async function reload(): Promise<void> {
    const found = await readKeyFiles(folder);
    if (found.length === 0) throw new Error(`There is no sealing key in ${folder} any more. Put it back.`);
    keys = found;
  }

  return {
    listPublicKeys: () => keys.map(({ id, publicKey, createdAt }) => ({ id, publicKey, createdAt })),
    reload,
    async openText({ keyId, binding, ciphertext }) {
      if (find(keyId) === undefined) await reload();
      const key = find(keyId);
      if (key !== undefined) {
        return openSecret(key.privateKey, binding, ciphertext).catch((error: unknown) => {
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
