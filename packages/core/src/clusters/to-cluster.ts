import { type Cluster, clusterSchema } from "@pilothouse/contract";
import { loadConditions } from "../conditions/to-condition.ts";
import type { Transaction } from "../database/connect.ts";
import type { MeshCluster as ClusterRow } from "../generated/client.ts";
import { loadLiveOperations } from "../operations/to-operation.ts";
import { deriveClusterPhase } from "./derive-phase.ts";

const kindSchema = clusterSchema.shape.kind;

/** Mesh clusters as the contract has them, in the order of the rows, with a fixed number of queries for however many. */
export async function toClusters(transaction: Transaction, rows: readonly ClusterRow[]): Promise<Cluster[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const conditions = await loadConditions(transaction, "cluster", ids);
  const live = await loadLiveOperations(transaction, "cluster", ids);
  return rows.map((row) => {
    const seen = conditions.get(row.id) ?? [];
    return {
      id: row.id,
      name: row.name,
      kind: kindSchema.parse(row.kind),
      seed: row.seedName,
      generation: row.generation,
      observedGeneration: row.observedGeneration,
      server: row.server,
      kubernetesVersion: row.kubernetesVersion,
      clusterUid: row.clusterUid,
      token:
        row.tokenIssuedAt === null || row.tokenExpiresAt === null
          ? null
          : { issuedAt: row.tokenIssuedAt.toISOString(), expiresAt: row.tokenExpiresAt.toISOString() },
      conditions: seen,
      phase: deriveClusterPhase({
        deletionRequested: row.deletionRequestedAt !== null,
        isChanging: live.has(row.id),
        wasConnected: row.clusterUid !== null,
        conditions: seen,
      }),
      operation: live.get(row.id) ?? null,
      deletionRequestedAt: row.deletionRequestedAt?.toISOString() ?? null,
      createdAt: row.createdAt.toISOString(),
    };
  });
}

/** One mesh cluster as the contract has it. */
export async function toCluster(transaction: Transaction, row: ClusterRow): Promise<Cluster> {
  const [cluster] = await toClusters(transaction, [row]);
  if (cluster === undefined) throw new Error(`Mesh cluster ${row.id} was not mapped.`);
  return cluster;
}
