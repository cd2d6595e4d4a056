import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../database/connect.ts";
import { type DueWork, type DueWorkQuery, listDueWork } from "./list-due-work.ts";
import { nameWork } from "./lease.ts";

/** In milliseconds. A poller looks every 500 ms, so in between it had several looks. */
const secondLookMs = 2_000;

/**
 * Finds what poller and queue missed: objects that have been due for longer than `overdueMs` and that are still waiting two seconds later. The
 * second look tells them from those that a poller was about to take, say after the database had been away.
 */
export async function findMissedWork(
  database: Database,
  query: DueWorkQuery & { overdueMs: number },
  signal?: AbortSignal,
): Promise<DueWork[]> {
  const first = await listDueWork(database, query);
  if (first.length === 0) return [];
  await sleep(secondLookMs, undefined, signal === undefined ? {} : { signal });
  const names = new Set(first.map(nameWork));
  return (await listDueWork(database, query)).filter((item) => names.has(nameWork(item)));
}
