import type { Database } from "../database/connect.ts";
import { leaseMs } from "./lease.ts";

/** Longer than anything waits for its next look, in milliseconds. */
const longestWaitMs = 3 * 3_600_000;

/**
 * Brings back what lies further ahead than it can: the database's clock was set back, say by another server that took over. A lease lasts `leaseMs`
 * from now on: its holder, if there is one, renews it as before, and that of a worker that is gone ends. What would wait for hours is due now.
 * @returns how many were brought back
 */
export async function boundWaits(database: Database): Promise<number> {
  return database.$executeRaw`
    UPDATE work_items SET
      lease_until = CASE WHEN lease_until IS NOT NULL
        THEN least(lease_until, clock_timestamp() + ${leaseMs}::int * interval '1 millisecond') END,
      next_reconcile_at = CASE WHEN next_reconcile_at > clock_timestamp() + ${longestWaitMs}::int * interval '1 millisecond'
        THEN clock_timestamp() ELSE next_reconcile_at END
    WHERE lease_until > clock_timestamp() + 2 * ${leaseMs}::int * interval '1 millisecond'
      OR next_reconcile_at > clock_timestamp() + ${longestWaitMs}::int * interval '1 millisecond'`;
}
