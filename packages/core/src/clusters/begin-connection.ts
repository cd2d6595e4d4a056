import type { Accepted, Cluster } from "@pilothouse/contract";
import { beginOperation } from "../change/record.ts";
import type { Outcome } from "../change/run-change.ts";
import type { Transaction } from "../database/connect.ts";
import { readDatabaseTime } from "../database/read-time.ts";
import type { MeshCluster } from "../generated/client.ts";
import { locateOperation } from "../operations/operation-location.ts";
import { toOperation } from "../operations/to-operation.ts";
import { type RequestContext, requireTenant } from "../request-context.ts";
import { storeSealed } from "../secrets/store-sealed.ts";
import { toCluster } from "./to-cluster.ts";

/** How long a tenant's kubeconfig is kept at most, sealed, in milliseconds. */
const kubeconfigLifeMs = 15 * 60_000;

/** Seals the kubeconfig for the worker and begins the operation that connects the cluster with it. */
export async function beginConnection(
  transaction: Transaction,
  context: RequestContext,
  row: MeshCluster,
  kubeconfig: string,
): Promise<Outcome<Accepted<Cluster>>> {
  const { tenantId, tenantName } = requireTenant(context, "operator");
  const now = await readDatabaseTime(transaction);
  await storeSealed(
    transaction,
    {
      tenantId,
      purpose: "connect-kubeconfig",
      objectKind: "cluster",
      objectId: row.id,
      expiresAt: new Date(now.getTime() + kubeconfigLifeMs),
    },
    kubeconfig,
  );
  const operation = await beginOperation(transaction, context, {
    tenantId,
    kind: "cluster.connect",
    object: { kind: "cluster", id: row.id, name: row.name },
    generation: row.generation,
  });
  return {
    status: 202,
    body: { resource: await toCluster(transaction, row), operation: toOperation(operation, []) },
    location: locateOperation(tenantName, operation.id),
    jobs: [{ kind: "cluster", id: row.id }],
  };
}
