import type { Accepted, Cluster, ConnectClusterBody } from "@pilothouse/contract";
import { v7 as uuid } from "uuid";
import { recordAudit, recordEvent } from "../change/record.ts";
import { runChange } from "../change/run-change.ts";
import type { Transaction } from "../database/connect.ts";
import { DomainError, unknownReference } from "../errors.ts";
import { requireQuota } from "../quotas/require-quota.ts";
import { type Answer, type RequestContext, requireTenant } from "../request-context.ts";
import { wakeWork } from "../change/wake-work.ts";
import { beginConnection } from "./begin-connection.ts";

/**
 * Begins to connect a mesh cluster. Its kubeconfig is sealed at once; the worker checks it and the cluster behind it.
 * @returns 202 with the cluster and its operation
 * @throws DomainError AlreadyExists, UnknownReference, QuotaExceeded, NoWorker
 */
export async function connectCluster(
  context: RequestContext,
  body: ConnectClusterBody,
): Promise<Answer<Accepted<Cluster>>> {
  const { tenantId } = requireTenant(context, "operator");
  return runChange(context, { tenantId }, async (transaction) => {
    const { name, kind, seed, kubeconfig } = body;
    if (seed !== undefined && (await transaction.seed.findUnique({ where: { name: seed } })) === null) {
      throw unknownReference("seed", "seed", seed);
    }
    await refuseTakenName(transaction, tenantId, name);
    await requireQuota(transaction, tenantId, ["clusters"]);
    const row = await transaction.meshCluster.create({
      data: { id: uuid(), tenantId, name, kind, seedName: seed ?? null },
    });
    await wakeWork(transaction, { kind: "cluster", objectId: row.id, tenantId, shard: tenantId });
    const object = { kind: "cluster", id: row.id, name } as const;
    await recordEvent(transaction, { tenantId, what: "created", object });
    await recordAudit(transaction, context, {
      tenantId,
      verb: "connectCluster",
      object,
      details: { name, kind, seed },
    });
    return beginConnection(transaction, context, row, kubeconfig);
  });
}

/** Asked first, so that a name taken is said before a limit. A race is caught by the database. */
async function refuseTakenName(transaction: Transaction, tenantId: string, name: string): Promise<void> {
  const taken = await transaction.meshCluster.findFirst({ where: { tenantId, name }, select: { id: true } });
  if (taken === null) return;
  throw new DomainError(
    "AlreadyExists",
    `There is a cluster ${name} already. Choose another name, or connect that one again.`,
    { parameter: "name" },
  );
}
