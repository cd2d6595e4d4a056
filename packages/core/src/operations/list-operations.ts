import type { Operation, Page } from "@pilothouse/contract";
import { withSight } from "../change/run-change.ts";
import { behindTime, newestFirst, type PageInput, readCursor, timeUuidPosition, toPage } from "../database/page.ts";
import { type RequestContext, requireTenant } from "../request-context.ts";
import { toOperation } from "./to-operation.ts";

/** Lists the tenant's operations with their steps, newest first. @throws DomainError InvalidCursor */
export async function listOperations(context: RequestContext, input: PageInput): Promise<Page<Operation>> {
  const { tenantId } = requireTenant(context, "viewer");
  const position = readCursor(timeUuidPosition, input.cursor);
  return withSight(context, { tenantId }, async (transaction) => {
    const rows = await transaction.operation.findMany({
      where: { tenantId, ...behindTime(position) },
      orderBy: newestFirst,
      take: input.limit + 1,
      include: { steps: { orderBy: { position: "asc" } } },
    });
    return toPage(
      rows,
      input.limit,
      (row) => [row.createdAt.toISOString(), row.id],
      (shown) => shown.map((row) => toOperation(row, row.steps)),
    );
  });
}
