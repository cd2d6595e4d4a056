import type { Page, TenantEvent } from "@pilothouse/contract";
import { z } from "zod";
import { withSight } from "../change/run-change.ts";
import type { Database, Transaction } from "../database/connect.ts";
import { type PageInput, readCursor, toPage } from "../database/page.ts";
import { type RequestContext, requireTenant } from "../request-context.ts";

interface EventRow {
  xid: bigint;
  id: bigint;
  type: string;
  object_kind: string;
  object_id: string;
  object_name: string;
  reason: string | null;
  message: string | null;
  at: Date;
}

function toEvent(row: EventRow): TenantEvent {
  return {
    id: `${row.xid}-${row.id}`,
    type: row.type,
    object: { kind: row.object_kind, id: row.object_id, name: row.object_name },
    reason: row.reason,
    message: row.message,
    at: row.at.toISOString(),
  };
}

/** Behind every event. */
export const mostBigint = 9_223_372_036_854_775_807n;
const bigintText = z
  .string()
  .regex(/^[0-9]{1,19}$/)
  .transform(BigInt)
  .refine((value) => value <= mostBigint);
/** Position in lists of events. */
export const eventPosition: z.ZodType<[bigint, bigint]> = z.tuple([bigintText, bigintText]);

/** Lists the tenant's events, newest first. @throws DomainError InvalidCursor */
export async function listEvents(context: RequestContext, input: PageInput): Promise<Page<TenantEvent>> {
  const { tenantId } = requireTenant(context, "viewer");
  const [xid, id] = readCursor(eventPosition, input.cursor) ?? [mostBigint, mostBigint];
  return withSight(context, { tenantId }, async (transaction) => {
    const rows = await transaction.$queryRaw<EventRow[]>`
      SELECT xid, id, type, object_kind, object_id, object_name, reason, message, at FROM events
      WHERE tenant_id = ${tenantId}::uuid AND (xid, id) < (${xid}, ${id}) ORDER BY xid DESC, id DESC LIMIT ${input.limit + 1}`;
    return toPage(
      rows,
      input.limit,
      (row) => [String(row.xid), String(row.id)],
      (shown) => shown.map(toEvent),
    );
  });
}

/** How long events are kept, in days. */
export const eventRetentionDays = 30;

/** Some events, and where they end. */
export interface EventBatch<Event = TenantEvent> {
  events: Event[];
  /** Id to read on behind. */
  position: string;
  /** Whether there is more right now. */
  more: boolean;
  /** Events behind the position asked for may be missing: there are none here, and `position` is the present. */
  hasGap?: true;
}

/**
 * Reads the tenant's events behind a position, in the order in which they became visible. Only events of transactions older than every one
 * still running are taken, so that one that commits late is never skipped; it follows once those have ended.
 * @param input.after id of the last event seen, as `<transaction>-<number>`; undefined to begin now, with nothing and the position of it
 * @param input.isResumed the reader was away, maybe for longer than events are kept, or while a backup was restored: a gap is looked for
 */
export async function readEventsAfter(
  context: RequestContext,
  input: { after: string | undefined; limit: number; isResumed?: boolean },
): Promise<EventBatch> {
  const { tenantId } = requireTenant(context, "viewer");
  return withSight(context, { tenantId }, async (transaction) => {
    if (input.after === undefined) return { events: [], position: await readPresent(transaction), more: false };
    const [xid, id] = parsePosition(input.after);
    const rows = await transaction.$queryRaw<EventRow[]>`
      SELECT xid, id, type, object_kind, object_id, object_name, reason, message, at FROM events
      WHERE tenant_id = ${tenantId}::uuid AND (xid, id) > (${xid}, ${id})
        AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      ORDER BY xid, id LIMIT ${input.limit + 1}`;
    // Asked after the events were read, so that none is erased in between unnoticed.
    if (input.isResumed === true && (await isGapBehind(transaction, tenantId, [xid, id])))
      return { events: [], position: await readPresent(transaction), more: false, hasGap: true };
    const events = rows.slice(0, input.limit).map(toEvent);
    return { events, position: events.at(-1)?.id ?? input.after, more: rows.length > input.limit };
  });
}

/**
 * Erasing goes from the oldest on, and leaves each tenant an event that is older than what is kept. So an event at the position or before it
 * means that all behind it are there; and when the oldest of all is young, nothing was ever erased. A position of a transaction that is yet to
 * come is of a database from before a backup was restored: nothing would be behind it for as long as transactions are counted up to it.
 */
async function isGapBehind(transaction: Transaction, tenantId: string, [xid, id]: [bigint, bigint]): Promise<boolean> {
  const [present] = await transaction.$queryRaw<{ isToCome: boolean }[]>`
    SELECT ${xid} > pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS "isToCome"`;
  if (present?.isToCome === true) return true;
  const [row] = await transaction.$queryRaw<{ isGap: boolean }[]>`
    SELECT at < now() - ${eventRetentionDays}::int * interval '1 day' AND (xid, id) > (${xid}, ${id}) AS "isGap"
    FROM events WHERE tenant_id = ${tenantId}::uuid ORDER BY xid, id LIMIT 1`;
  return row?.isGap === true;
}

/** The present as a position in streams of events: whatever is read from now on shows all events up to it. */
export const readEventPosition = (database: Database): Promise<string> => readPresent(database);

/** A position before everything that is not visible to readers yet: an id of no event. */
export async function readPresent(transaction: Pick<Transaction, "$queryRaw">): Promise<string> {
  const [row] = await transaction.$queryRaw<{ xid: bigint }[]>`
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xid`;
  return `${row?.xid ?? 0n}-0`;
}

/** An id beyond what the database can hold is behind all events. */
export function parsePosition(text: string): [bigint, bigint] {
  const parsed = eventPosition.safeParse(text.split("-"));
  return parsed.success ? parsed.data : [mostBigint, mostBigint];
}
