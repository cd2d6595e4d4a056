import type { ControlPlane, Page } from "@pilothouse/contract";
import { withSight } from "../change/run-change.ts";
import { filterNames, type NamedPageInput, namePosition, readCursor, toPage } from "../database/page.ts";
import { type RequestContext, requireTenant } from "../request-context.ts";
import { toControlPlanes } from "./to-control-plane.ts";

/** Lists the tenant's control planes by name: all, or those that are asked for. @throws DomainError InvalidCursor */
export async function listControlPlanes(context: RequestContext, input: NamedPageInput): Promise<Page<ControlPlane>> {
  const { tenantId } = requireTenant(context, "viewer");
  const after = readCursor(namePosition, input.cursor);
  return withSight(context, { tenantId }, async (transaction) => {
    const rows = await transaction.controlPlane.findMany({
      where: { tenantId, ...filterNames(input, after) },
      orderBy: { name: "asc" },
      take: input.limit + 1,
    });
    return toPage(
      rows,
      input.limit,
      ({ name }) => name,
      (shown) => toControlPlanes(transaction, tenantId, shown),
    );
  });
}
