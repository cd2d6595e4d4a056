import type { Cluster, Page } from "@pilothouse/contract";
import { withSight } from "../change/run-change.ts";
import { filterNames, type NamedPageInput, namePosition, readCursor, toPage } from "../database/page.ts";
import { type RequestContext, requireTenant } from "../request-context.ts";
import { toClusters } from "./to-cluster.ts";

/** Lists the tenant's mesh clusters by name: all, or those that are asked for. @throws DomainError InvalidCursor */
export async function listClusters(context: RequestContext, input: NamedPageInput): Promise<Page<Cluster>> {
  const { tenantId } = requireTenant(context, "viewer");
  const after = readCursor(namePosition, input.cursor);
  return withSight(context, { tenantId }, async (transaction) => {
    const rows = await transaction.meshCluster.findMany({
      where: { tenantId, ...filterNames(input, after) },
      orderBy: { name: "asc" },
      take: input.limit + 1,
    });
    return toPage(
      rows,
      input.limit,
      ({ name }) => name,
      (shown) => toClusters(transaction, shown),
    );
  });
}
