import type { ControlPlane } from "@pilothouse/contract";
import { loadConditions } from "../conditions/to-condition.ts";
import type { Transaction } from "../database/connect.ts";
import type { ControlPlane as ControlPlaneRow } from "../generated/client.ts";
import { loadLiveOperations } from "../operations/to-operation.ts";
import { deriveControlPlanePhase } from "./derive-phase.ts";

/**
 * Control planes as the contract has them, in the order of the rows, with a fixed number of queries for however many. Conditions and
 * what was observed are those of the newest revision.
 */
export async function toControlPlanes(
  transaction: Transaction,
  tenantId: string,
  rows: readonly ControlPlaneRow[],
): Promise<ControlPlane[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const revisions = await transaction.revision.findMany({
    where: { tenantId, controlPlaneId: { in: ids } },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    select: { id: true, controlPlaneId: true, lineName: true, observedGeneration: true },
  });
  const clusters = await transaction.meshCluster.findMany({
    where: { tenantId, id: { in: [...new Set(rows.map(({ clusterId }) => clusterId))] } },
    select: { id: true, name: true },
  });
  const conditions = await loadConditions(
    transaction,
    "revision",
    revisions.map(({ id }) => id),
  );
  const live = await loadLiveOperations(transaction, "control-plane", ids);
  const clusterNames = new Map(clusters.map(({ id, name }) => [id, name]));
  const revisionsOf = Map.groupBy(revisions, ({ controlPlaneId }) => controlPlaneId);
  return rows.map((row) => {
    const own = revisionsOf.get(row.id) ?? [];
    const newest = own[0];
    const seen = newest === undefined ? [] : (conditions.get(newest.id) ?? []);
    const observedGeneration = newest?.observedGeneration ?? 0;
    return {
      id: row.id,
      name: row.name,
      cluster: clusterNames.get(row.clusterId) ?? "",
      version: row.versionName,
      line: newest?.lineName ?? "",
      replicas: row.replicas,
      generation: row.generation,
      observedGeneration,
      revisions: own.map(({ id }) => id),
      conditions: seen,
      phase: deriveControlPlanePhase({
        deletionRequested: row.deletionRequestedAt !== null,
        isChanging: live.has(row.id) || observedGeneration < row.generation,
        ready: seen.find(({ type }) => type === "Ready")?.status,
      }),
      operation: live.get(row.id) ?? null,
      deletionRequestedAt: row.deletionRequestedAt?.toISOString() ?? null,
      createdAt: row.createdAt.toISOString(),
    };
  });
}

/** One control plane as the contract has it. */
export async function toControlPlane(
  transaction: Transaction,
  tenantId: string,
  row: ControlPlaneRow,
): Promise<ControlPlane> {
  const [controlPlane] = await toControlPlanes(transaction, tenantId, [row]);
  if (controlPlane === undefined) throw new Error(`Control plane ${row.id} was not mapped.`);
  return controlPlane;
}
