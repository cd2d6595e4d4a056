import type { Accepted, ControlPlane } from "@pilothouse/contract";
import { checkIfMatch } from "../change/check-if-match.ts";
import { beginOperation, recordAudit, recordEvent } from "../change/record.ts";
import { runChange } from "../change/run-change.ts";
import { readDatabaseTime } from "../database/read-time.ts";
import { DomainError } from "../errors.ts";
import { supersedeOperation } from "../operations/supersede-operation.ts";
import { locateOperation } from "../operations/operation-location.ts";
import { toOperation } from "../operations/to-operation.ts";
import { type Answer, type RequestContext, requireTenant } from "../request-context.ts";
import { lockControlPlane } from "./lock-control-plane.ts";
import { toControlPlane } from "./to-control-plane.ts";

/** How long an unreachable cluster is waited for, in milliseconds, before the removal ends without it and says what is left there. */
const patienceMs = 15 * 60_000;

/**
 * Begins to delete a control plane, also one that is still being made or changed: that operation ends as superseded.
 * @param input.ifMatch the If-Match header, if it came
 * @returns 202 with the control plane and its operation; rows go when the worker has taken everything away
 * @throws DomainError NotFound, PreconditionFailed, BeingDeleted
 */
export async function deleteControlPlane(
  context: RequestContext,
  input: { name: string; ifMatch?: string | undefined },
): Promise<Answer<Accepted<ControlPlane>>> {
  const { tenantId, tenantName } = requireTenant(context, "operator");
  return runChange(context, { tenantId }, async (transaction) => {
    const { controlPlane, revisions } = await lockControlPlane(transaction, tenantId, input.name);
    if (controlPlane.deletionRequestedAt !== null) {
      throw new DomainError("BeingDeleted", `Control plane ${input.name} is being deleted already.`);
    }
    checkIfMatch(input.ifMatch, controlPlane.generation);
    const now = await readDatabaseTime(transaction);
    await supersedeOperation(transaction, { tenantId, objectKind: "control-plane", objectId: controlPlane.id, now });
    const row = await transaction.controlPlane.update({
      where: { id: controlPlane.id },
      data: { deletionRequestedAt: now, generation: { increment: 1 } },
    });
    await transaction.revision.updateMany({
      where: { tenantId, controlPlaneId: row.id },
      data: {
        deletionRequestedAt: now,
        giveUpAt: new Date(now.getTime() + patienceMs),
        generation: row.generation,
      },
    });
    const object = { kind: "control-plane", id: row.id, name: row.name } as const;
    const operation = await beginOperation(transaction, context, {
      tenantId,
      kind: "control-plane.delete",
      object,
      generation: row.generation,
    });
    await recordEvent(transaction, { tenantId, what: "deleting", object });
    await recordAudit(transaction, context, { tenantId, verb: "deleteControlPlane", object });
    return {
      status: 202,
      body: { resource: await toControlPlane(transaction, tenantId, row), operation: toOperation(operation, []) },
      location: locateOperation(tenantName, operation.id),
      jobs: revisions.map(({ id }) => ({ kind: "revision" as const, id })),
    };
  });
}
