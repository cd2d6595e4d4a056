import type { Database } from "../database/connect.ts";

/** Has every mesh cluster and every revision looked at now, whenever their next look would have been. Answers how many. */
export async function wakeAll(database: Database): Promise<number> {
  return database.$executeRaw`
    UPDATE work_items SET next_reconcile_at = clock_timestamp(), wakes = wakes + 1 WHERE kind IN ('cluster', 'revision')`;
}
