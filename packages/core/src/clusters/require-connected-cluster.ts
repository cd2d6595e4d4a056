import type { Transaction } from "../database/connect.ts";
import { DomainError, unknownReference } from "../errors.ts";
import type { MeshCluster } from "../generated/client.ts";

/**
 * Reads a mesh cluster that a control plane may be ordered for, and keeps it from being disconnected until the transaction has ended.
 * @throws DomainError UnknownReference, BeingDeleted, ClusterNotConnected
 */
export async function requireConnectedCluster(
  transaction: Transaction,
  tenantId: string,
  name: string,
): Promise<MeshCluster> {
  await transaction.$executeRaw`SELECT 1 FROM mesh_clusters WHERE tenant_id = ${tenantId}::uuid AND name = ${name} FOR SHARE`;
  const row = await transaction.meshCluster.findFirst({ where: { tenantId, name } });
  if (row === null) throw unknownReference("cluster", "cluster", name);
  if (row.deletionRequestedAt !== null) {
    throw new DomainError("BeingDeleted", `Cluster ${name} is being disconnected.`, { parameter: "cluster" });
  }
  if (row.clusterUid === null) {
    throw new DomainError(
      "ClusterNotConnected",
      `Cluster ${name} is not connected yet. Wait for its operation, or connect it again with another kubeconfig.`,
      { parameter: "cluster" },
    );
  }
  return row;
}
