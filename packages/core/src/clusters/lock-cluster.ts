import type { Transaction } from "../database/connect.ts";
import { DomainError, notFound } from "../errors.ts";
import type { MeshCluster } from "../generated/client.ts";
import { loadLiveOperations } from "../operations/to-operation.ts";
import { wakeWork } from "../change/wake-work.ts";

/**
 * Takes a mesh cluster for a change, its work item first (see `lockControlPlane`).
 * @throws DomainError NotFound, BeingDeleted
 */
export async function lockCluster(transaction: Transaction, tenantId: string, name: string): Promise<MeshCluster> {
  const found = await transaction.meshCluster.findFirst({ where: { tenantId, name }, select: { id: true } });
  if (found === null) throw notFound("cluster", name);
  await wakeWork(transaction, { kind: "cluster", objectId: found.id, tenantId, shard: tenantId });
  await transaction.$executeRaw`SELECT 1 FROM mesh_clusters WHERE id = ${found.id}::uuid FOR UPDATE`;
  const row = await transaction.meshCluster.findFirst({ where: { tenantId, id: found.id } });
  if (row === null) throw notFound("cluster", name);
  if (row.deletionRequestedAt !== null) {
    throw new DomainError("BeingDeleted", `Cluster ${name} is being disconnected already.`);
  }
  return row;
}

/** @throws DomainError OperationInProgress when an operation on the cluster is live */
export async function refuseLiveOperation(transaction: Transaction, row: MeshCluster): Promise<void> {
  const live = await loadLiveOperations(transaction, "cluster", [row.id]);
  const operation = live.get(row.id);
  if (operation === undefined) return;
  throw new DomainError(
    "OperationInProgress",
    `Another operation on cluster ${row.name} is in progress. Wait until it has ended, then try again.`,
    { details: { operation } },
  );
}
