import type { Accepted, ChangeControlPlaneBody, ControlPlane } from "@pilothouse/contract";
import { requireIfMatch } from "../change/check-if-match.ts";
import { beginOperation, recordAudit, recordEvent } from "../change/record.ts";
import { type Outcome, runChange } from "../change/run-change.ts";
import type { Transaction } from "../database/connect.ts";
import { DomainError } from "../errors.ts";
import type { ControlPlane as ControlPlaneRow, Revision as RevisionRow } from "../generated/client.ts";
import { locateOperation } from "../operations/operation-location.ts";
import { loadLiveOperations, toOperation } from "../operations/to-operation.ts";
import { type PlacementCandidate, placeRevision, sizeRevision } from "../placement/place-revision.ts";
import { loadCandidates, toPlacement } from "../placement/load-candidates.ts";
import { type Answer, formatEtag, type RequestContext, requireTenant } from "../request-context.ts";
import { refusePlacement } from "./create-control-plane.ts";
import { lockControlPlane } from "./lock-control-plane.ts";
import { toControlPlane } from "./to-control-plane.ts";

/**
 * Changes a control plane's number of istiods, where it is: nothing is moved.
 * @param input.ifMatch the If-Match header as it came
 * @returns 202 with the control plane and its operation; 200 with the control plane when it is so already
 * @throws DomainError NotFound, BeingDeleted, PreconditionRequired, PreconditionFailed, VersionChangeUnsupported, OperationInProgress,
 *   NoPlacement when its istiod cluster has no room for more
 */
export async function changeControlPlane(
  context: RequestContext,
  input: { name: string; ifMatch?: string | undefined; body: ChangeControlPlaneBody },
): Promise<Answer<Accepted<ControlPlane> | ControlPlane>> {
  const { tenantId, tenantName } = requireTenant(context, "operator");
  return runChange<Accepted<ControlPlane> | ControlPlane>(context, { tenantId }, async (transaction) => {
    const { controlPlane, revisions } = await lockControlPlane(transaction, tenantId, input.name);
    checkChange(controlPlane, input);
    const replicas = input.body.replicas ?? controlPlane.replicas;
    if (replicas === controlPlane.replicas) {
      const body = await toControlPlane(transaction, tenantId, controlPlane);
      return { status: 200, body, etag: formatEtag(controlPlane.generation) };
    }
    const live = await loadLiveOperations(transaction, "control-plane", [controlPlane.id]);
    if (live.size > 0) throw refuseWhileLive(controlPlane.name, live);
    const changed = await transaction.controlPlane.update({
      where: { id: controlPlane.id },
      data: { replicas, generation: { increment: 1 } },
    });
    await resizeRevisions(transaction, changed, revisions);
    return finishChange(transaction, context, tenantName, changed, revisions, input.body);
  });
}

function checkChange(
  row: ControlPlaneRow,
  input: { name: string; ifMatch?: string | undefined; body: ChangeControlPlaneBody },
): void {
  if (row.deletionRequestedAt !== null) {
    throw new DomainError("BeingDeleted", `Control plane ${row.name} is being deleted, and can't be changed any more.`);
  }
  requireIfMatch(input.ifMatch, row.generation);
  if (input.body.version !== undefined && input.body.version !== row.versionName) {
    throw new DomainError(
      "VersionChangeUnsupported",
      `Control plane ${row.name} runs ${row.versionName}. Another version needs a revision of its own: order a second control plane with it.`,
      { parameter: "version" },
    );
  }
}

function refuseWhileLive(name: string, live: Map<string, string>): DomainError {
  return new DomainError(
    "OperationInProgress",
    `Another operation on control plane ${name} is in progress. Wait until it has ended, then try again.`,
    { details: { operation: [...live.values()][0] } },
  );
}

async function resizeRevisions(
  transaction: Transaction,
  controlPlane: ControlPlaneRow,
  revisions: readonly RevisionRow[],
): Promise<void> {
  const { tenantId, replicas, generation } = controlPlane;
  const candidates = await loadCandidates(transaction, tenantId);
  for (const revision of revisions) {
    refuseWithoutRoom(revision, replicas, candidates);
    await transaction.revision.updateMany({
      where: { tenantId, id: revision.id },
      data: { replicas, generation, ...sizeRevision(replicas) },
    });
  }
}

/** Where it is, there must be room for what comes on top. Being closed or unseen matters only to what would come anew. */
function refuseWithoutRoom(revision: RevisionRow, replicas: number, candidates: readonly PlacementCandidate[]): void {
  const size = sizeRevision(replicas);
  const more = { cpuMilli: size.cpuMilli - revision.cpuMilli, memoryMib: size.memoryMib - revision.memoryMib };
  const host = candidates.find(({ name }) => name === revision.istiodClusterName);
  if (host === undefined || (more.cpuMilli <= 0 && more.memoryMib <= 0)) return;
  const asHost = {
    ...host,
    schedulable: true,
    healthy: true,
    reserved: { ...host.reserved, slots: host.reserved.slots - 1 },
  };
  const decision = placeRevision({ revision: { line: revision.lineName, ...more }, candidates: [asHost] });
  if (decision.chosen === undefined) throw refusePlacement(toPlacement(decision));
}

async function finishChange(
  transaction: Transaction,
  context: RequestContext,
  tenantName: string,
  controlPlane: ControlPlaneRow,
  revisions: readonly RevisionRow[],
  details: ChangeControlPlaneBody,
): Promise<Outcome<Accepted<ControlPlane>>> {
  const { tenantId, generation } = controlPlane;
  const object = { kind: "control-plane", id: controlPlane.id, name: controlPlane.name } as const;
  const operation = await beginOperation(transaction, context, {
    tenantId,
    kind: "control-plane.change",
    object,
    generation,
  });
  await recordEvent(transaction, { tenantId, what: "changed", object });
  await recordAudit(transaction, context, { tenantId, verb: "changeControlPlane", object, details });
  return {
    status: 202,
    body: {
      resource: await toControlPlane(transaction, tenantId, controlPlane),
      operation: toOperation(operation, []),
    },
    location: locateOperation(tenantName, operation.id),
    jobs: revisions.map(({ id }) => ({ kind: "revision", id })),
  };
}
