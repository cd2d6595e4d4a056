import type { Placement } from "@pilothouse/contract";
import type { Transaction } from "../database/connect.ts";
import type { PlacementCandidate, PlacementDecision, SeedLocation } from "./place-revision.ts";

/** All istiod clusters as the decision sees them, with how many revisions of the tenant are on each. */
export async function loadCandidates(transaction: Transaction, tenantId: string): Promise<PlacementCandidate[]> {
  const clusters = await transaction.istiodCluster.findMany();
  const own = await transaction.$queryRaw<{ name: string; count: number }[]>`
    SELECT istiod_cluster AS name, count(*)::int AS count FROM revisions WHERE tenant_id = ${tenantId}::uuid GROUP BY 1`;
  const counts = new Map(own.map(({ name, count }) => [name, count]));
  return clusters.map((row) => ({
    name: row.name,
    region: row.regionName,
    zones: row.zones,
    line: row.lineName,
    schedulable: row.schedulable,
    healthy: row.healthy,
    observed: row.healthSince !== null,
    capacity: { slots: row.capacitySlots, cpuMilli: row.capacityCpuMilli, memoryMib: row.capacityMemoryMib },
    reserved: { slots: row.reservedSlots, cpuMilli: row.reservedCpuMilli, memoryMib: row.reservedMemoryMib },
    tenantRevisions: counts.get(row.name) ?? 0,
  }));
}

/** Where a mesh cluster's API server runs; undefined when it names no seed. */
export async function loadSeed(transaction: Transaction, name: string | null): Promise<SeedLocation | undefined> {
  if (name === null) return undefined;
  const row = await transaction.seed.findUnique({ where: { name } });
  return row === null ? undefined : { region: row.regionName, zones: row.zones };
}

/** A decision as it is stored and shown. */
export function toPlacement({ chosen, ranked, rejected }: PlacementDecision): Placement {
  return {
    istiodCluster: chosen ?? null,
    candidates: ranked.map(({ istiodCluster, region, score, parts }) => ({
      istiodCluster,
      region,
      score,
      scores: { ...parts },
    })),
    rejected: rejected.map((rejection) => ({ ...rejection })),
  };
}
