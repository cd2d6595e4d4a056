import { usageRetentionHours, type WorkerReport } from "@pilothouse/contract";
import type { Database } from "../database/connect.ts";

/** What the istiods of a revision say of themselves, all replicas together. */
export interface IstiodLoad {
  revisionId: string;
  /** Connected, without Pilothouse's own. */
  proxies: number;
  /** Thousandths of a core; null until there were two looks. */
  cpuMilli: number | null;
  /** MiB; null where istiod does not say. */
  memoryMib: number | null;
}

/** More than any revision has of anything. What an istiod says is a text from elsewhere: one that says more must not keep others from being stored. */
const mostCounted = 1_000_000;

const bound = (value: number | null): number | null => (value === null ? null : Math.min(value, mostCounted));

/** Loads that are older tell nothing of now, in minutes: three looks were missed. */
const loadMinutes = 3;

/**
 * Writes down what istiods said of themselves. The number of proxies is that of the revision from then on, with the time since when it is so many;
 * revisions that are gone are passed over.
 */
export async function saveIstiodLoads(database: Database, loads: readonly IstiodLoad[]): Promise<void> {
  if (loads.length === 0) return;
  const ids = loads.map(({ revisionId }) => revisionId);
  const proxies = loads.map((load) => bound(load.proxies));
  await database.$executeRaw`
    INSERT INTO istiod_loads (revision_id, proxies, cpu_milli, memory_mib)
    SELECT * FROM unnest(${ids}::text[], ${proxies}::int[], ${loads.map(({ cpuMilli }) => bound(cpuMilli))}::int[], ${loads.map(({ memoryMib }) => bound(memoryMib))}::int[])
    ON CONFLICT (revision_id) DO UPDATE SET proxies = excluded.proxies, cpu_milli = excluded.cpu_milli, memory_mib = excluded.memory_mib, at = now()`;
  await database.$executeRaw`
    UPDATE revisions r SET observed = coalesce(r.observed, '{}'::jsonb) || jsonb_build_object('proxies', jsonb_build_object('connected', l.proxies,
      'at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))
    FROM unnest(${ids}::text[], ${proxies}::int[]) AS l (id, proxies)
    WHERE r.id = l.id AND (r.observed -> 'proxies' -> 'connected') IS DISTINCT FROM to_jsonb(l.proxies)`;
}

/** Takes back how many proxies revisions have, where nobody could be asked for a while: not known is not as many as before. */
export async function forgetProxies(database: Database, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await database.$executeRaw`UPDATE revisions SET observed = observed - 'proxies' WHERE id = ANY (${[...ids]}::text[]) AND observed ? 'proxies'`;
}

/**
 * Samples capacity, reservations and use of every istiod cluster, once a minute however many workers do so. Answers how many samples were taken.
 * What nobody could ask within the last minutes is not counted as nothing, but as unknown.
 */
export async function sampleUsage(database: Database): Promise<number> {
  return database.$executeRaw`
    INSERT INTO usage_samples (istiod_cluster, at, capacity_slots, capacity_cpu_milli, capacity_memory_mib, reserved_slots, reserved_cpu_milli, reserved_memory_mib,
      used_slots, used_cpu_milli, used_memory_mib, proxies)
    SELECT i.name, date_trunc('minute', now()), i.capacity_slots, i.capacity_cpu_milli, i.capacity_memory_mib, i.reserved_slots, i.reserved_cpu_milli,
      i.reserved_memory_mib, count(c.object_id),
      CASE WHEN count(r.id) = 0 THEN 0 ELSE sum(l.cpu_milli) END, CASE WHEN count(r.id) = 0 THEN 0 ELSE sum(l.memory_mib) END,
      CASE WHEN count(r.id) = 0 THEN 0 ELSE sum(l.proxies) END
    FROM istiod_clusters i LEFT JOIN revisions r ON r.istiod_cluster = i.name
      LEFT JOIN conditions c ON c.object_kind = 'revision' AND c.object_id = r.id AND c.type = 'IstiodAvailable' AND c.status = 'True'
      LEFT JOIN istiod_loads l ON l.revision_id = r.id AND l.at > now() - ${loadMinutes}::int * interval '1 minute'
    GROUP BY i.name
    ON CONFLICT DO NOTHING`;
}

/** Erases samples and loads that have had their time, and reports of workers that have been silent for an hour. */
export async function eraseOldSamples(database: Database): Promise<void> {
  await database.$executeRaw`DELETE FROM usage_samples WHERE at < now() - ${usageRetentionHours}::int * interval '1 hour'`;
  await database.$executeRaw`DELETE FROM istiod_loads WHERE at < now() - interval '1 hour'`;
  await database.$executeRaw`DELETE FROM worker_reports WHERE reported_at < now() - interval '1 hour'`;
}

/** Says how a worker gets on. @param id the name under which it takes leases */
export async function saveWorkerReport(database: Database, id: string, report: WorkerReport): Promise<void> {
  await database.$executeRaw`
    INSERT INTO worker_reports (id, report) VALUES (${id}, ${JSON.stringify(report)}::jsonb)
    ON CONFLICT (id) DO UPDATE SET report = excluded.report, reported_at = now()`;
}

/** Takes back what a worker said that ends in order. */
export async function removeWorkerReport(database: Database, id: string): Promise<void> {
  await database.$executeRaw`DELETE FROM worker_reports WHERE id = ${id}`;
}
