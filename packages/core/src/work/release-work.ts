import type { Database } from "../database/connect.ts";
import type { Lease } from "./lease.ts";

/**
 * Gives a lease back and says when to look again: at once when there was a wish for it since the lease was taken, else after `requeueAfterMs`
 * milliseconds by the database's clock.
 * @param failures in a row, including the look that ends now
 * @returns false when the lease was not held any more; then nothing was changed
 */
export async function releaseWork(
  database: Database,
  lease: Lease,
  next: { requeueAfterMs: number; failures: number },
): Promise<boolean> {
  const changed = await database.$executeRaw`
    UPDATE work_items SET lease_holder = NULL, lease_until = NULL, failures = ${next.failures}::int,
      next_reconcile_at = CASE WHEN wakes > ${lease.wakes} THEN clock_timestamp()
        ELSE clock_timestamp() + ${Math.round(next.requeueAfterMs)}::bigint * interval '1 millisecond' END
    WHERE kind = ${lease.kind} AND object_id = ${lease.objectId} AND fence = ${lease.fence} AND lease_until > clock_timestamp()`;
  return changed === 1;
}

/** Takes away the work item of an object that is gone. */
export async function dropWork(database: Database, { kind, objectId, fence }: Lease): Promise<void> {
  await database.$executeRaw`DELETE FROM work_items WHERE kind = ${kind} AND object_id = ${objectId} AND fence = ${fence}`;
}
