import type { Database } from "../database/connect.ts";
import { eventRetentionDays } from "../events/read-events.ts";

/** How many rows of each went. */
export interface ErasedRows {
  sealedSecrets: number;
  /** Kubeconfigs of istiod clusters in whose place a newer one came, or whose cluster is gone. */
  supersededSecrets: number;
  idempotencyKeys: number;
  sessions: number;
  invitations: number;
}

/**
 * Erases sealed secrets past their end, and answers how many went. The web process does it beside the workers: a kubeconfig that nobody opened is
 * not to outlive its time because no worker runs.
 * @param database of the worker, or of the web role, which may erase nothing else of them
 */
export async function eraseExpiredSecrets(database: Database): Promise<number> {
  const [row] = await database.$queryRaw<{ erased: number }[]>`SELECT erase_expired_secrets() AS erased`;
  return row?.erased ?? 0;
}

/** Most events erased at a time, so that one statement stays short. */
const mostEvents = 10_000;

/**
 * Erases what has had its time: sealed secrets past their end, those that nobody reads any more (the web process, that adds newer ones, may not delete
 * any), answers kept for repeated requests after 24 hours, sessions that are over or revoked, and invitations that nobody used in time.
 */
export async function eraseExpired(database: Database): Promise<ErasedRows> {
  const sealedSecrets = await eraseExpiredSecrets(database);
  const supersededSecrets = await database.$executeRaw`
    DELETE FROM sealed_secrets old WHERE purpose = 'istiod-cluster-access' AND (
      NOT EXISTS (SELECT FROM istiod_clusters WHERE name = old.object_id)
      OR EXISTS (SELECT FROM sealed_secrets newer WHERE newer.purpose = old.purpose AND newer.object_kind = old.object_kind
        AND newer.object_id = old.object_id AND (newer.created_at, newer.id) > (old.created_at, old.id)))`;
  const idempotencyKeys =
    await database.$executeRaw`DELETE FROM idempotency_keys WHERE created_at < now() - interval '24 hours'`;
  const sessions = await database.$executeRaw`DELETE FROM sessions WHERE expires_at <= now() OR revoked_at IS NOT NULL`;
  const invitations = await database.$executeRaw`DELETE FROM invitations WHERE expires_at <= now()`;
  return { sealedSecrets, supersededSecrets, idempotencyKeys, sessions, invitations };
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
