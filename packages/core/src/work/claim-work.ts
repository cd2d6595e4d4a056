import type { Database } from "../database/connect.ts";
import { type Lease, leaseMs, type WorkKey } from "./lease.ts";

/**
 * Takes leases of objects that are due and that nobody holds, for `leaseMs` by the database's clock. Rows that are locked at the moment are passed
 * over: whoever locks them is about to change them, and the next look finds them.
 * @param holder who takes them, for people who look at the table
 * @returns the leases taken, possibly none
 */
export async function claimWork(database: Database, holder: string, keys: readonly WorkKey[]): Promise<Lease[]> {
  if (keys.length === 0) return [];
  return database.$queryRaw<Lease[]>`
    WITH free AS (
      SELECT w.kind, w.object_id FROM work_items w
      JOIN unnest(${keys.map(({ kind }) => kind)}::text[], ${keys.map(({ objectId }) => objectId)}::text[]) AS wanted(kind, object_id)
        ON wanted.kind = w.kind AND wanted.object_id = w.object_id
      WHERE w.next_reconcile_at <= clock_timestamp() AND (w.lease_until IS NULL OR w.lease_until <= clock_timestamp())
      FOR NO KEY UPDATE OF w SKIP LOCKED
    )
    UPDATE work_items w
    SET lease_holder = ${holder}, lease_until = clock_timestamp() + ${leaseMs}::int * interval '1 millisecond', fence = w.fence + 1
    FROM free WHERE w.kind = free.kind AND w.object_id = free.object_id
    RETURNING w.kind, w.object_id AS "objectId", w.tenant_id AS "tenantId", w.shard, w.fence, w.wakes, w.failures`;
}
