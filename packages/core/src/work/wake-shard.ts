import type { WorkKind } from "@pilothouse/contract";
import type { Database } from "../database/connect.ts";

/** Has all objects of a shard that wait because of failures looked at now: what they failed at works again. Answers how many. */
export async function wakeShard(database: Database, shard: string, kinds: readonly WorkKind[]): Promise<number> {
  return database.$executeRaw`
    UPDATE work_items SET next_reconcile_at = clock_timestamp(), wakes = wakes + 1
    WHERE shard = ${shard} AND failures > 0 AND next_reconcile_at > now() AND kind = ANY (${[...kinds]}::text[])`;
}
