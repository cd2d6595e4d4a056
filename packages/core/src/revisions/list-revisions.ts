import type { Page, Revision } from "@pilothouse/contract";
import { withSight } from "../change/run-change.ts";
import { loadConditions } from "../conditions/to-condition.ts";
import { behindTime, newestFirst, type PageInput, readCursor, timePosition, toPage } from "../database/page.ts";
import { notFound } from "../errors.ts";
import { loadLiveOperations } from "../operations/to-operation.ts";
import { type RequestContext, requireTenant } from "../request-context.ts";
import { toRevision } from "./to-revision.ts";

/** Lists a control plane's revisions, newest first. @throws DomainError NotFound, InvalidCursor */
export async function listRevisions(
  context: RequestContext,
  input: PageInput & { controlPlane: string },
): Promise<Page<Revision>> {
  const { tenantId } = requireTenant(context, "viewer");
  const position = readCursor(timePosition, input.cursor);
  return withSight(context, { tenantId }, async (transaction) => {
    const controlPlane = await transaction.controlPlane.findFirst({ where: { tenantId, name: input.controlPlane } });
    if (controlPlane === null) throw notFound("control plane", input.controlPlane);
    const rows = await transaction.revision.findMany({
      where: { tenantId, controlPlaneId: controlPlane.id, ...behindTime(position) },
      orderBy: newestFirst,
      take: input.limit + 1,
    });
    const conditions = await loadConditions(
      transaction,
      "revision",
      rows.map(({ id }) => id),
    );
    const live = await loadLiveOperations(transaction, "control-plane", [controlPlane.id]);
    return toPage(
      rows,
      input.limit,
      (row) => [row.createdAt.toISOString(), row.id],
      (shown) =>
        shown.map((row) =>
          toRevision(row, {
            controlPlane: controlPlane.name,
            conditions: conditions.get(row.id) ?? [],
            isChanging: live.size > 0,
          }),
        ),
    );
  });
}
