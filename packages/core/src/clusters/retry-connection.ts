import type { Accepted, Cluster, RetryConnectionBody } from "@pilothouse/contract";
import { recordAudit, recordEvent } from "../change/record.ts";
import { runChange } from "../change/run-change.ts";
import { type Answer, type RequestContext, requireTenant } from "../request-context.ts";
import { beginConnection } from "./begin-connection.ts";
import { lockCluster, refuseLiveOperation } from "./lock-cluster.ts";

/**
 * Connects a mesh cluster again with another kubeconfig: after a failure, or because Pilothouse's identities there were lost or need the rights
 * of a new line. A connected cluster stays connected meanwhile.
 * @returns 202 with the cluster and its operation
 * @throws DomainError NotFound, BeingDeleted, OperationInProgress, NoWorker
 */
export async function retryConnection(
  context: RequestContext,
  input: { name: string; body: RetryConnectionBody },
): Promise<Answer<Accepted<Cluster>>> {
  const { tenantId } = requireTenant(context, "operator");
  return runChange(context, { tenantId }, async (transaction) => {
    const found = await lockCluster(transaction, tenantId, input.name);
    await refuseLiveOperation(transaction, found);
    const row = await transaction.meshCluster.update({
      where: { id: found.id },
      data: { generation: { increment: 1 } },
    });
    const object = { kind: "cluster", id: row.id, name: row.name } as const;
    await recordEvent(transaction, { tenantId, what: "changed", object });
    await recordAudit(transaction, context, { tenantId, verb: "retryConnection", object });
    return beginConnection(transaction, context, row, input.body.kubeconfig);
  });
}
