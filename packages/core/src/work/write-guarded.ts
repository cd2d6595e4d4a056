import { setTimeout as sleep } from "node:timers/promises";
import type { Database, Transaction } from "../database/connect.ts";
import { findDatabaseCode } from "./find-database-code.ts";
import type { Lease } from "./lease.ts";

/**
 * A request locks its objects first and the work item last, a write-back the other way round: when they meet, the write-back
 * gives way before the database calls it a deadlock (after 1 s) and ends one of the two.
 */
const lockTimeout = "400ms";
const mostTries = 6;
const retryCodes = new Set(["55P03", "40P01", "40001"]);

/** What a write-back came to: `written: false` when the lease was not held any more, and nothing was written. */
export type Written<Result> = { written: true; result: Result } | { written: false };

/**
 * Runs a write-back in a transaction that holds the object's work item with the lease's fence: nobody else can take the object until it has ended.
 * When the lease is over or another has it, nothing is run.
 */
export async function writeGuarded<Result>(
  database: Database,
  lease: Lease,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Written<Result>> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await database.$transaction(async (transaction): Promise<Written<Result>> => {
        if (!(await holdLease(transaction, lease))) return { written: false };
        return { written: true, result: await work(transaction) };
      });
    } catch (error) {
      if (tries === mostTries || !retryCodes.has(findDatabaseCode(error) ?? "")) throw error;
      await sleep(10 + Math.random() * 40 * tries);
    }
  }
}

/** Sets the transaction's time limit for locks, and takes the work item's: a row is locked after all that it is selected with has been made. */
async function holdLease(transaction: Transaction, { kind, objectId, fence }: Lease): Promise<boolean> {
  const held = await transaction.$queryRaw<unknown[]>`
    WITH limited AS MATERIALIZED (SELECT set_config('lock_timeout', ${lockTimeout}, true) AS timeout)
    SELECT timeout FROM limited, work_items
    WHERE kind = ${kind} AND object_id = ${objectId} AND fence = ${fence} AND lease_until > clock_timestamp() FOR UPDATE OF work_items`;
  return held.length === 1;
}
