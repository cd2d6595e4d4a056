import type { WorkKind } from "@pilothouse/contract";
import type { Database } from "../database/connect.ts";
import type { WorkKey } from "./lease.ts";

/** An object that is due. */
export interface DueWork extends WorkKey {
  shard: string;
  /** How long it has been waiting for somebody, in milliseconds. */
  overdueMs: number;
}

/** Which due objects to list. */
export interface DueWorkQuery {
  kinds: readonly WorkKind[];
  limit: number;
  /** At most so many of one shard, so that a long list of one hides no other. */
  limitPerShard: number;
  /**
   * Shards that are not to be called now. Removals whose time is over are listed all the same, as they end without the cluster, and so are orders
   * whose time is over, as somebody has to say so.
   */
  blockedShards: readonly string[];
  /** Only those that have been waiting for longer, in milliseconds. */
  overdueMs?: number;
  /** Only this one. */
  objectId?: string;
}

/** An operation that has not brought its object to Ready by then has failed; reconciling goes on. In milliseconds. */
export const operationLimitMs = 900_000;

/**
 * Lists objects that are due and that nobody holds, the longest waiting first. A lease that is over counts as waiting since its end. Of those that became
 * due at the same moment, what serves a mesh comes first: a connection's next look has hours to spare.
 */
export async function listDueWork(database: Database, query: DueWorkQuery): Promise<DueWork[]> {
  return database.$queryRaw<DueWork[]>`
    SELECT kind, object_id AS "objectId", shard, (extract(epoch FROM now() - since) * 1000)::float8 AS "overdueMs" FROM (
      SELECT w.kind, w.object_id, w.shard, greatest(w.next_reconcile_at, w.lease_until) AS since,
        row_number() OVER (PARTITION BY w.shard ORDER BY w.next_reconcile_at, w.kind DESC) AS place
      FROM work_items w
      LEFT JOIN revisions r ON w.shard = ANY (${[...query.blockedShards]}::text[]) AND w.kind = 'revision' AND r.id = w.object_id AND (r.give_up_at <= now() OR EXISTS (
        SELECT FROM operations o WHERE o.object_kind = 'control-plane' AND o.object_id = r.control_plane_id::text
          AND o.finished_at IS NULL AND o.kind <> 'control-plane.delete'
          AND o.created_at <= now() - ${operationLimitMs}::int * interval '1 millisecond'))
      WHERE w.next_reconcile_at <= now() AND (w.lease_until IS NULL OR w.lease_until <= now())
        AND w.kind = ANY (${[...query.kinds]}::text[]) AND (${query.objectId ?? null}::text IS NULL OR w.object_id = ${query.objectId ?? null})
        AND (NOT w.shard = ANY (${[...query.blockedShards]}::text[]) OR r.id IS NOT NULL)
    ) due
    WHERE place <= ${query.limitPerShard}::int AND since <= now() - ${query.overdueMs ?? 0}::int * interval '1 millisecond'
    ORDER BY since, kind DESC LIMIT ${query.limit}::int`;
}

/** How much is due, by kind, and how long the oldest has waited, in milliseconds: for metrics. */
export async function measureDueWork(
  database: Database,
): Promise<{ kind: WorkKind; due: number; oldestMs: number; held: number }[]> {
  return database.$queryRaw`
    SELECT kind, count(*) FILTER (WHERE is_due)::int AS due, count(*) FILTER (WHERE is_held)::int AS held,
      coalesce(max(extract(epoch FROM now() - since) * 1000) FILTER (WHERE is_due), 0)::float8 AS "oldestMs"
    FROM (
      SELECT kind, greatest(next_reconcile_at, lease_until) AS since, lease_until > now() IS TRUE AS is_held,
        next_reconcile_at <= now() AND (lease_until IS NULL OR lease_until <= now()) AS is_due
      FROM work_items
    ) items GROUP BY kind`;
}
