import { v7 as uuid } from "uuid";
import type { Transaction } from "../database/connect.ts";
import { DomainError } from "../errors.ts";
import { findSealingKey } from "../observe/sealing-keys.ts";
import { type SealBinding, sealSecret } from "./seal.ts";

/**
 * Seals a text to the workers' newest key and stores it; only a worker can open it from then on.
 * @param expiresAt when it is erased, opened or not
 * @throws DomainError NoWorker when no worker has ever registered a key
 */
export async function storeSealed(
  transaction: Transaction,
  row: Omit<SealBinding, "id"> & { expiresAt?: Date },
  text: string,
): Promise<void> {
  const key = await findSealingKey(transaction);
  if (key === null) {
    throw new DomainError(
      "NoWorker",
      "No worker has ever started, so the kubeconfig can't be sealed. Start one, then try again.",
    );
  }
  const { expiresAt, ...about } = row;
  const binding = { id: uuid(), ...about };
  const ciphertext = await sealSecret(key.publicKey, binding, text);
  await transaction.sealedSecret.createMany({
    data: { ...binding, keyId: key.id, ciphertext: Buffer.from(ciphertext), expiresAt: expiresAt ?? null },
  });
}
