import type { Accepted, Cluster } from "@pilothouse/contract";
import { checkIfMatch } from "../change/check-if-match.ts";
import { beginOperation, recordAudit, recordEvent } from "../change/record.ts";
import { runChange } from "../change/run-change.ts";
import type { Transaction } from "../database/connect.ts";
import { readDatabaseTime } from "../database/read-time.ts";
import { DomainError } from "../errors.ts";
import type { MeshCluster } from "../generated/client.ts";
import { locateOperation } from "../operations/operation-location.ts";
import { toOperation } from "../operations/to-operation.ts";
import { type Answer, type RequestContext, requireTenant } from "../request-context.ts";
import { lockCluster, refuseLiveOperation } from "./lock-cluster.ts";
import { toCluster } from "./to-cluster.ts";

/**
 * Begins to disconnect a mesh cluster that no control plane is ordered for.
 * @param input.ifMatch the If-Match header, if it came
 * @returns 202 with the cluster and its operation; the row goes when the worker has taken Pilothouse's identities away
 * @throws DomainError NotFound, PreconditionFailed, BeingDeleted, InUse, OperationInProgress
 */
export async function disconnectCluster(
  context: RequestContext,
  input: { name: string; ifMatch?: string | undefined },
): Promise<Answer<Accepted<Cluster>>> {
  const { tenantId, tenantName } = requireTenant(context, "operator");
  return runChange(context, { tenantId }, async (transaction) => {
    const found = await lockCluster(transaction, tenantId, input.name);
    checkIfMatch(input.ifMatch, found.generation);
    await refuseWhileUsed(transaction, found);
    await refuseLiveOperation(transaction, found);
    const now = await readDatabaseTime(transaction);
    const row = await transaction.meshCluster.update({
      where: { id: found.id },
      data: { deletionRequestedAt: now, generation: { increment: 1 } },
    });
    const object = { kind: "cluster", id: row.id, name: row.name } as const;
    const operation = await beginOperation(transaction, context, {
      tenantId,
      kind: "cluster.disconnect",
      object,
      generation: row.generation,
    });
    await recordEvent(transaction, { tenantId, what: "deleting", object });
    await recordAudit(transaction, context, { tenantId, verb: "disconnectCluster", object });
    return {
      status: 202,
      body: { resource: await toCluster(transaction, row), operation: toOperation(operation, []) },
      location: locateOperation(tenantName, operation.id),
      jobs: [{ kind: "cluster", id: row.id }],
    };
  });
}

/** Most names that the refusal lists. */
const mostNames = 10;

async function refuseWhileUsed(transaction: Transaction, row: MeshCluster): Promise<void> {
  const users = await transaction.controlPlane.findMany({
    where: { tenantId: row.tenantId, clusterId: row.id },
    select: { name: true },
    orderBy: { name: "asc" },
    take: mostNames,
  });
  if (users.length === 0) return;
  const controlPlanes = users.map(({ name }) => name);
  throw new DomainError(
    "InUse",
    `Control planes exist for cluster ${row.name}: ${controlPlanes.join(", ")}. Delete them first.`,
    { details: { controlPlanes } },
  );
}
