import type { Transaction } from "../database/connect.ts";
import type { SealBinding } from "../secrets/seal.ts";

/** A sealed secret as it is stored: only who has the private key `keyId` can open it. */
export interface SealedText {
  binding: SealBinding;
  keyId: string;
  ciphertext: Uint8Array;
  createdAt: Date;
  expiresAt: Date | null;
}

/** The newest sealed secret of a purpose of an object that is not over yet. */
export async function findSealedText(
  database: Pick<Transaction, "sealedSecret">,
  of: Pick<SealBinding, "purpose" | "objectKind" | "objectId">,
): Promise<SealedText | null> {
  const row = await database.sealedSecret.findFirst({
    where: { ...of, OR: [{ expiresAt: null }, { expiresAt: { gt: new Date() } }] },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
  });
  if (row === null) return null;
  const { id, tenantId, keyId, ciphertext, createdAt, expiresAt } = row;
  return { binding: { id, tenantId, ...of }, keyId, ciphertext, createdAt, expiresAt };
}

/** Puts a sealed secret in the place of those of its purpose and object. */
export async function replaceSealedText(
  transaction: Transaction,
  { binding, keyId, ciphertext }: Pick<SealedText, "binding" | "keyId" | "ciphertext">,
): Promise<void> {
  const { id, tenantId, purpose, objectKind, objectId } = binding;
  await transaction.sealedSecret.deleteMany({ where: { purpose, objectKind, objectId } });
  await transaction.sealedSecret.create({
    data: { id, tenantId, purpose, objectKind, objectId, keyId, ciphertext: Uint8Array.from(ciphertext) },
    select: { id: true },
  });
}
