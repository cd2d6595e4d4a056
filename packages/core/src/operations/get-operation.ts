import type { Operation } from "@pilothouse/contract";
import { withSight } from "../change/run-change.ts";
import { notFound } from "../errors.ts";
import { type RequestContext, requireTenant } from "../request-context.ts";
import { toOperation } from "./to-operation.ts";

/** Reads one of the tenant's operations with its steps. @throws DomainError NotFound */
export async function getOperation(context: RequestContext, input: { id: string }): Promise<Operation> {
  const { tenantId } = requireTenant(context, "viewer");
  return withSight(context, { tenantId }, async (transaction) => {
    const row = await transaction.operation.findFirst({
      where: { tenantId, id: input.id },
      include: { steps: { orderBy: { position: "asc" } } },
    });
    if (row === null) throw notFound("operation", input.id);
    return toOperation(row, row.steps);
  });
}
