import type { ControlPlane } from "@pilothouse/contract";
import { withSight } from "../change/run-change.ts";
import { notFound } from "../errors.ts";
import { type RequestContext, requireTenant } from "../request-context.ts";
import { toControlPlane } from "./to-control-plane.ts";

/** Reads one of the tenant's control planes. @throws DomainError NotFound */
export async function getControlPlane(context: RequestContext, input: { name: string }): Promise<ControlPlane> {
  const { tenantId } = requireTenant(context, "viewer");
  return withSight(context, { tenantId }, async (transaction) => {
    const row = await transaction.controlPlane.findFirst({ where: { tenantId, name: input.name } });
    if (row === null) throw notFound("control plane", input.name);
    return toControlPlane(transaction, tenantId, row);
  });
}
