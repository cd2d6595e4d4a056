import type { Database } from "../database/connect.ts";

/** How many rows of each went. */
export interface ErasedRows {
  sealedSecrets: number;
  idempotencyKeys: number;
}

/** Most events erased at a time, so that one statement stays short. */
const mostEvents = 10_000;

/** Erases what has had its time: sealed secrets past their end and answers kept for repeated requests after 24 hours. */
export async function eraseExpired(database: Database): Promise<ErasedRows> {
  const sealedSecrets = await database.$executeRaw`DELETE FROM sealed_secrets WHERE expires_at <= now()`;
  const idempotencyKeys =
    await database.$executeRaw`DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'`;
  return { sealedSecrets, idempotencyKeys };
}

/** Erases events older than 30 days, the oldest first and a limited number at a time. Answers how many. */
export async function eraseOldEvents(database: Database): Promise<number> {
  return database.$executeRaw`
    DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < now() - interval '30 days' ORDER BY id LIMIT ${mostEvents}::int)`;
}
