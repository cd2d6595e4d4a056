import type { FleetEvent, Page } from "@pilothouse/contract";
import { withSight } from "../change/run-change.ts";
import { type PageInput, readCursor, toPage } from "../database/page.ts";
import { type RequestContext, requirePlatform } from "../request-context.ts";
import {
  eventPosition,
  eventRetentionDays,
  mostBigint,
  parsePosition,
  readPresent,
  type EventBatch,
} from "./read-events.ts";

interface FleetEventRow {
  xid: bigint;
  id: bigint;
  type: string;
  tenant: string;
  object_kind: string;
  object_id: string;
  object_name: string;
  at: Date;
}

function toFleetEvent(row: FleetEventRow): FleetEvent {
  return {
    id: `${row.xid}-${row.id}`,
    type: row.type,
    tenant: row.tenant,
    object: { kind: row.object_kind, id: row.object_id, name: row.object_name },
    at: row.at.toISOString(),
  };
}

/** Lists events of all tenants, newest first. @throws DomainError Forbidden, InvalidCursor */
export async function listFleetEvents(context: RequestContext, input: PageInput): Promise<Page<FleetEvent>> {
  requirePlatform(context);
  const [xid, id] = readCursor(eventPosition, input.cursor) ?? [mostBigint, mostBigint];
  return withSight(context, "platform", async (transaction) => {
    const rows = await transaction.$queryRaw<FleetEventRow[]>`
      SELECT * FROM list_fleet_events(${xid}::bigint, ${id}::bigint, ${input.limit + 1}::int)`;
    return toPage(
      rows,
      input.limit,
      (row) => [String(row.xid), String(row.id)],
      (shown) => shown.map(toFleetEvent),
    );
  });
}

/**
 * Reads events of all tenants behind a position, in the order in which they became visible, as `readEventsAfter` reads those of one.
 * @throws DomainError Forbidden
 */
export async function readFleetEventsAfter(
  context: RequestContext,
  input: { after: string | undefined; limit: number; isResumed?: boolean },
): Promise<EventBatch<FleetEvent>> {
  requirePlatform(context);
  return withSight(context, "platform", async (transaction) => {
    if (input.after === undefined) return { events: [], position: await readPresent(transaction), more: false };
    const [xid, id] = parsePosition(input.after);
    const rows = await transaction.$queryRaw<FleetEventRow[]>`
      SELECT * FROM read_fleet_events(${xid}::bigint, ${id}::bigint, ${input.limit + 1}::int)`;
    if (input.isResumed === true) {
      // Asked after the events were read, so that none is erased in between unnoticed.
      const [row] = await transaction.$queryRaw<{ isGap: boolean }[]>`
        SELECT is_fleet_gap(${xid}::bigint, ${id}::bigint, ${eventRetentionDays}::int * interval '1 day') AS "isGap"`;
      if (row?.isGap === true)
        return { events: [], position: await readPresent(transaction), more: false, hasGap: true };
    }
    const events = rows.slice(0, input.limit).map(toFleetEvent);
    return { events, position: events.at(-1)?.id ?? input.after, more: rows.length > input.limit };
  });
}
