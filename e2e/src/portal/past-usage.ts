import { connectDatabase } from "@pilothouse/core";
import type { Service } from "../service.ts";

const hours = 24;
const stepMinutes = 5;

/**
 * Writes samples of the last day as workers would have taken them, so that charts have a past: what is reserved today came bit by bit, and what is used
 * follows the hours of the day.
 */
export async function writePastUsage(service: Service): Promise<void> {
  const database = connectDatabase(service.databaseUrls.migrator, 1);
  try {
    await database.$executeRawUnsafe(
      `INSERT INTO usage_samples (istiod_cluster, at, capacity_slots, capacity_cpu_milli, capacity_memory_mib,
         reserved_slots, reserved_cpu_milli, reserved_memory_mib, used_slots, used_cpu_milli, used_memory_mib, proxies)
       SELECT c.name, now() - make_interval(mins => m), c.capacity_slots, c.capacity_cpu_milli, c.capacity_memory_mib,
         ceil(c.reserved_slots * grown.share), ceil(c.reserved_cpu_milli * grown.share), ceil(c.reserved_memory_mib * grown.share),
         ceil(c.reserved_slots * grown.share), c.reserved_cpu_milli * grown.share * day.load, c.reserved_memory_mib * grown.share * (0.4 + day.load / 4),
         round(c.reserved_slots * grown.share * 30 * day.load)
       FROM istiod_clusters c
       CROSS JOIN generate_series($2::int, $1::int * 60, $2::int) m
       CROSS JOIN LATERAL (SELECT ceil(4 * (1 - m / ($1::float * 60)) + 0.01) / 4 AS share) grown
       CROSS JOIN LATERAL (SELECT 0.45 + 0.3 * sin(m / 230.0) + 0.06 * sin(m / 17.0) AS load) day
       ON CONFLICT DO NOTHING`,
      hours,
      stepMinutes,
    );
  } finally {
    await database.$disconnect();
  }
}
