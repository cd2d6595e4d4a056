import type { Database } from "../database/connect.ts";
import { eventRetentionDays } from "../events/read-events.ts";

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

/**
 * Erases events older than 30 days, the oldest first and a limited number at a time. Of each tenant the newest of them stays: by it a reader
 * that comes back sees whether events behind its position were erased. Answers how many went.
 */
export async function eraseOldEvents(database: Database): Promise<number> {
  return database.$executeRaw`
    WITH kept AS (
      SELECT DISTINCT ON (tenant_id) tenant_id, xid, id FROM events WHERE at < now() - ${eventRetentionDays}::int * interval '1 day'
      ORDER BY tenant_id, xid DESC, id DESC
    )
    DELETE FROM events WHERE id IN (
      SELECT e.id FROM events e JOIN kept k ON k.tenant_id = e.tenant_id AND (e.xid, e.id) < (k.xid, k.id)
      ORDER BY e.xid, e.id LIMIT ${mostEvents}::int)`;
}
