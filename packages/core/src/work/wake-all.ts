import type { Database } from "../database/connect.ts";

/**
 * Has every mesh cluster and every revision looked at now, whenever their next look would have been: all are due at the same moment, revisions
 * first. Answers how many.
 */
export async function wakeAll(database: Database): Promise<number> {
  return database.$executeRaw`
    UPDATE work_items SET next_reconcile_at = now(), wakes = wakes + 1 WHERE kind IN ('cluster', 'revision')`;
}
