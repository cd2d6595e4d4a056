import type { Usage, UsagePoint, UsageQuery } from "@pilothouse/contract";
import { withSight } from "../change/run-change.ts";
import { readDatabaseTime } from "../database/read-time.ts";
import { notFound } from "../errors.ts";
import { type RequestContext, requirePlatform } from "../request-context.ts";

/** Samples are a minute apart. */
const sampleSeconds = 60;

interface PointRow {
  istiod_cluster: string;
  seconds: number;
  capacity_slots: number;
  capacity_cpu_milli: number;
  capacity_memory_mib: number;
  reserved_slots: number;
  reserved_cpu_milli: number;
  reserved_memory_mib: number;
  used_slots: number;
  used_cpu_milli: number | null;
  used_memory_mib: number | null;
  proxies: number | null;
}

/**
 * Times that points stand for: as short as the number of points allows, whole minutes, and the same for all who ask, so that a point does not change
 * while time goes on.
 */
export function planSteps(
  now: Date,
  { hours, points }: Pick<UsageQuery, "hours" | "points">,
): { fromSeconds: number; stepSeconds: number } {
  const stepSeconds = Math.ceil((hours * 3_600) / points / sampleSeconds) * sampleSeconds;
  const count = Math.min(points, Math.ceil((hours * 3_600) / stepSeconds));
  const last = Math.floor(now.getTime() / 1_000 / stepSeconds);
  return { fromSeconds: (last - count + 1) * stepSeconds, stepSeconds };
}

/**
 * Reads capacity, reservations and use of istiod clusters over time, at most so many points of each. A point is the most of its time.
 * @throws DomainError Forbidden, NotFound for an istiod cluster that does not exist
 */
export async function getUsage(context: RequestContext, query: UsageQuery): Promise<Usage> {
  requirePlatform(context);
  const { istiodCluster } = query;
  return withSight(context, "platform", async (transaction) => {
    const now = await readDatabaseTime(transaction);
    const { fromSeconds, stepSeconds } = planSteps(now, query);
    const from = new Date(fromSeconds * 1_000);
    const clusters = await transaction.istiodCluster.findMany({
      ...(istiodCluster === undefined ? {} : { where: { name: istiodCluster } }),
      orderBy: { name: "asc" },
      select: { name: true, regionName: true, lineName: true },
    });
    if (istiodCluster !== undefined && clusters.length === 0) throw notFound("istiod cluster", istiodCluster);
    const rows = await transaction.$queryRaw<PointRow[]>`
      SELECT istiod_cluster, (floor(extract(epoch FROM at) / ${stepSeconds}::int) * ${stepSeconds}::int)::float8 AS seconds,
        max(capacity_slots) AS capacity_slots, max(capacity_cpu_milli) AS capacity_cpu_milli, max(capacity_memory_mib) AS capacity_memory_mib,
        max(reserved_slots) AS reserved_slots, max(reserved_cpu_milli) AS reserved_cpu_milli, max(reserved_memory_mib) AS reserved_memory_mib,
        max(used_slots) AS used_slots, max(used_cpu_milli) AS used_cpu_milli, max(used_memory_mib) AS used_memory_mib, max(proxies) AS proxies
      FROM usage_samples WHERE at >= ${from} AND at <= ${now} AND istiod_cluster = ANY (${clusters.map(({ name }) => name)}::text[])
      GROUP BY 1, 2 ORDER BY 1, 2`;
    const pointsOf = Map.groupBy(rows, (row) => row.istiod_cluster);
    return {
      from: from.toISOString(),
      to: now.toISOString(),
      stepSeconds,
      series: clusters.map(({ name, regionName, lineName }) => ({
        istiodCluster: name,
        region: regionName,
        line: lineName,
        points: (pointsOf.get(name) ?? []).map(toPoint),
      })),
    };
  });
}

function toPoint(row: PointRow): UsagePoint {
  return {
    at: new Date(row.seconds * 1_000).toISOString(),
    capacity: { slots: row.capacity_slots, cpuMilli: row.capacity_cpu_milli, memoryMib: row.capacity_memory_mib },
    reserved: { slots: row.reserved_slots, cpuMilli: row.reserved_cpu_milli, memoryMib: row.reserved_memory_mib },
    used: {
      slots: row.used_slots,
      cpuMilli: row.used_cpu_milli,
      memoryMib: row.used_memory_mib,
      proxies: row.proxies,
    },
  };
}
