import type { Cluster } from "@pilothouse/contract";
import { withSight } from "../change/run-change.ts";
import { notFound } from "../errors.ts";
import { type RequestContext, requireTenant } from "../request-context.ts";
import { toCluster } from "./to-cluster.ts";

/** Reads one of the tenant's mesh clusters. @throws DomainError NotFound */
export async function getCluster(context: RequestContext, input: { name: string }): Promise<Cluster> {
  const { tenantId } = requireTenant(context, "viewer");
  return withSight(context, { tenantId }, async (transaction) => {
    const row = await transaction.meshCluster.findFirst({ where: { tenantId, name: input.name } });
    if (row === null) throw notFound("cluster", input.name);
    return toCluster(transaction, row);
  });
}
