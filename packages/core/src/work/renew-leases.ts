import type { Database } from "../database/connect.ts";
import { type Lease, leaseMs, nameWork } from "./lease.ts";

/** What became of the leases that were to be renewed. One in neither list was locked at the moment and is as it was: renew it with the next. */
export interface RenewedLeases {
  /** Last `leaseMs` from now on. `wakes` as counted now. */
  renewed: { kind: Lease["kind"]; objectId: string; wakes: bigint }[];
  /** Over, taken by another, or their object is gone. */
  lost: Lease[];
}

type LeaseRow = RenewedLeases["renewed"][number];

/**
 * Renews many leases in one statement. It waits for no lock, so that one row that somebody works on delays none of the others.
 */
export async function renewLeases(database: Database, leases: readonly Lease[]): Promise<RenewedLeases> {
  if (leases.length === 0) return { renewed: [], lost: [] };
  const [kinds, ids, fences] = listColumns(leases);
  const renewed = await database.$queryRaw<LeaseRow[]>`
    WITH held AS (
      SELECT w.kind, w.object_id FROM work_items w
      JOIN unnest(${kinds}::text[], ${ids}::text[], ${fences}::text[]::bigint[]) AS mine(kind, object_id, fence)
        ON mine.kind = w.kind AND mine.object_id = w.object_id AND mine.fence = w.fence
      WHERE w.lease_until > clock_timestamp()
      FOR NO KEY UPDATE OF w SKIP LOCKED
    )
    UPDATE work_items w SET lease_until = clock_timestamp() + ${leaseMs}::int * interval '1 millisecond'
    FROM held WHERE w.kind = held.kind AND w.object_id = held.object_id
    RETURNING w.kind, w.object_id AS "objectId", w.wakes`;
  if (renewed.length === leases.length) return { renewed, lost: [] };
  const names = new Set(renewed.map(nameWork));
  return {
    renewed,
    lost: await findLost(
      database,
      leases.filter((lease) => !names.has(nameWork(lease))),
    ),
  };
}

async function findLost(database: Database, leases: readonly Lease[]): Promise<Lease[]> {
  const [kinds, ids, fences] = listColumns(leases);
  const held = await database.$queryRaw<Omit<LeaseRow, "wakes">[]>`
    SELECT w.kind, w.object_id AS "objectId" FROM work_items w
    JOIN unnest(${kinds}::text[], ${ids}::text[], ${fences}::text[]::bigint[]) AS mine(kind, object_id, fence)
      ON mine.kind = w.kind AND mine.object_id = w.object_id AND mine.fence = w.fence
    WHERE w.lease_until > clock_timestamp()`;
  const names = new Set(held.map(nameWork));
  return leases.filter((lease) => !names.has(nameWork(lease)));
}

function listColumns(leases: readonly Lease[]): [string[], string[], string[]] {
  return [
    leases.map(({ kind }) => kind),
    leases.map(({ objectId }) => objectId),
    leases.map(({ fence }) => String(fence)),
  ];
}
