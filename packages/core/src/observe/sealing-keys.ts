import type { Database, Transaction } from "../database/connect.ts";
import type { SealingKey } from "../generated/client.ts";
import type { SealBinding } from "../secrets/seal.ts";
import type { SealedText } from "./sealed-text.ts";

/** Makes known the public halves of a worker's keys, so that others can seal to them. Known ones stay as they are, also retired ones. */
export async function registerSealingKeys(
  database: Database,
  keys: readonly { id: string; publicKey: Uint8Array; createdAt?: Date }[],
): Promise<void> {
  await database.sealingKey.createMany({
    data: keys.map(({ id, publicKey, createdAt }) => ({
      id,
      publicKey: Uint8Array.from(publicKey),
      ...(createdAt === undefined ? {} : { createdAt }),
    })),
    skipDuplicates: true,
  });
}

/** The key that is sealed to now: the newest that is not retired; null when there is none. */
export async function findSealingKey(database: Pick<Transaction, "sealingKey">): Promise<SealingKey | null> {
  return database.sealingKey.findFirst({
    where: { retiredAt: null },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
  });
}

/** How many secrets are sealed to other keys than this one. */
export async function countOlderSeals(database: Database, keyId: string): Promise<number> {
  return database.sealedSecret.count({ where: { keyId: { not: keyId } } });
}

/**
 * Lists secrets that are sealed to one of some keys, by id.
 * @param query.after id behind which to begin
 */
export async function listSealedTo(
  database: Database,
  query: { keyIds: readonly string[]; after: string | undefined; limit: number },
): Promise<SealedText[]> {
  const rows = await database.sealedSecret.findMany({
    where: { keyId: { in: [...query.keyIds] }, ...(query.after === undefined ? {} : { id: { gt: query.after } }) },
    orderBy: { id: "asc" },
    take: query.limit,
  });
  return rows.map(({ id, tenantId, purpose, objectKind, objectId, keyId, ciphertext, createdAt, expiresAt }) => ({
    binding: { id, tenantId, purpose: toPurpose(purpose), objectKind, objectId },
    keyId,
    ciphertext,
    createdAt,
    expiresAt,
  }));
}

/** The column is written from this very type alone; another word would not open. */
function toPurpose(text: string): SealBinding["purpose"] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return text as SealBinding["purpose"];
}

/**
 * Puts a secret that was sealed anew in the place of the same one. The row stays, with all that the seal is bound to.
 * @returns false when it has gone, or has been sealed anew by another, in the meantime
 */
export async function replaceSeal(
  database: Database,
  former: SealedText,
  { keyId, ciphertext }: Pick<SealedText, "keyId" | "ciphertext">,
): Promise<boolean> {
  const { count } = await database.sealedSecret.updateMany({
    where: { id: former.binding.id, keyId: former.keyId },
    data: { keyId, ciphertext: Uint8Array.from(ciphertext) },
  });
  return count === 1;
}

/**
 * Retires the keys that nothing is sealed to and that have a newer one beside them; the newest never. Waits for transactions that are sealing to
 * one, and leaves it then.
 * @returns ids of those that are retired from now on
 */
export async function retireSealingKeys(database: Database): Promise<string[]> {
  const newest = await findSealingKey(database);
  if (newest === null) return [];
  const candidates = await database.sealingKey.findMany({
    where: { retiredAt: null, id: { not: newest.id }, secrets: { none: {} } },
    select: { id: true },
  });
  const retired: string[] = [];
  for (const { id } of candidates) if (await retireKey(database, id)) retired.push(id);
  return retired;
}

async function retireKey(database: Database, id: string): Promise<boolean> {
  return database.$transaction(async (transaction) => {
    await transaction.$executeRaw`SELECT 1 FROM sealing_keys WHERE id = ${id}::uuid FOR UPDATE`;
    // A statement of its own, so that it sees what those who were waited for have done.
    const count = await transaction.$executeRaw`
      UPDATE sealing_keys k SET retired_at = clock_timestamp() WHERE id = ${id}::uuid AND retired_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM sealed_secrets s WHERE s.key_id = k.id)`;
    return count === 1;
  });
}
