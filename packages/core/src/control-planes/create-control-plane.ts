import { randomBytes } from "node:crypto";
import type { Accepted, ControlPlane, CreateControlPlaneBody, Placement } from "@pilothouse/contract";
import { v7 as uuid } from "uuid";
import { beginOperation, recordAudit, recordEvent } from "../change/record.ts";
import { runChange } from "../change/run-change.ts";
import { requireConnectedCluster } from "../clusters/require-connected-cluster.ts";
import type { Transaction } from "../database/connect.ts";
import { toJson } from "../database/json.ts";
import { DomainError } from "../errors.ts";
import type { ControlPlane as ControlPlaneRow } from "../generated/client.ts";
import { locateOperation } from "../operations/operation-location.ts";
import { toOperation } from "../operations/to-operation.ts";
import { loadCandidates, loadSeed, toPlacement } from "../placement/load-candidates.ts";
import { placeRevision, sizeRevision } from "../placement/place-revision.ts";
import { requireQuota } from "../quotas/require-quota.ts";
import { type Answer, type RequestContext, requireTenant } from "../request-context.ts";
import { chooseVersion } from "../versions/choose-version.ts";
import { wakeWork } from "../change/wake-work.ts";
import { toControlPlane } from "./to-control-plane.ts";

/**
 * Orders a control plane for a connected mesh cluster: decides and reserves its place, and begins the operation that brings it about.
 * @returns 202 with the control plane and its operation
 * @throws DomainError AlreadyExists, UnknownReference, VersionNotAvailable, ClusterNotConnected, BeingDeleted, QuotaExceeded,
 *   NoPlacement (with `rejected`)
 */
export async function createControlPlane(
  context: RequestContext,
  body: CreateControlPlaneBody,
): Promise<Answer<Accepted<ControlPlane>>> {
  const { tenantId, tenantName } = requireTenant(context, "operator");
  return runChange(context, { tenantId }, async (transaction) => {
    const cluster = await requireConnectedCluster(transaction, tenantId, body.cluster);
    await refuseTakenName(transaction, tenantId, body.name);
    await requireQuota(transaction, tenantId, ["controlPlanes", "revisions"]);
    const { version, line } = await chooseVersion(transaction, body);
    const size = sizeRevision(body.replicas);
    const decision = placeRevision({
      revision: { line, ...size },
      seed: await loadSeed(transaction, cluster.seedName),
      candidates: await loadCandidates(transaction, tenantId),
    });
    const placement = toPlacement(decision);
    if (decision.chosen === undefined) throw refusePlacement(placement);
    const row = await transaction.controlPlane.create({
      data: {
        id: uuid(),
        tenantId,
        name: body.name,
        clusterId: cluster.id,
        versionName: version,
        replicas: body.replicas,
      },
    });
    const revisionId = await createRevision(transaction, context, row, {
      line,
      placement,
      istiodCluster: decision.chosen,
    });
    const object = { kind: "control-plane", id: row.id, name: row.name } as const;
    const operation = await beginOperation(transaction, context, {
      tenantId,
      kind: "control-plane.create",
      object,
      generation: row.generation,
    });
    await recordEvent(transaction, { tenantId, what: "created", object });
    await recordAudit(transaction, context, {
      tenantId,
      verb: "createControlPlane",
      object,
      details: { ...body, version, revision: revisionId, istiodCluster: decision.chosen },
    });
    const resource = await toControlPlane(transaction, tenantId, row);
    return {
      status: 202,
      body: { resource, operation: toOperation(operation, []) },
      location: locateOperation(tenantName, operation.id),
      jobs: [{ kind: "revision", id: revisionId }],
    };
  });
}

/** Asked first, so that a name taken is said before a place is missed. A race is caught by the database. */
async function refuseTakenName(transaction: Transaction, tenantId: string, name: string): Promise<void> {
  const taken = await transaction.controlPlane.findFirst({ where: { tenantId, name }, select: { id: true } });
  if (taken === null) return;
  throw new DomainError(
    "AlreadyExists",
    `There is a control plane ${name} already. Choose another name, or change the one that is there.`,
    { parameter: "name" },
  );
}

/** For an order that fits nowhere: every istiod cluster with the reason why not. */
export function refusePlacement({ rejected }: Pick<Placement, "rejected">): DomainError {
  const message =
    rejected.length === 0
      ? "There is no istiod cluster yet."
      : "No istiod cluster can take it; each has its reason in `rejected`.";
  return new DomainError("NoPlacement", `${message} Choose another version or fewer replicas, or ask the provider.`, {
    details: { rejected },
  });
}

async function createRevision(
  transaction: Transaction,
  context: RequestContext,
  controlPlane: ControlPlaneRow,
  place: { line: string; placement: Placement; istiodCluster: string },
): Promise<string> {
  const { tenantId, replicas } = controlPlane;
  const id = `${controlPlane.name}-${place.line.replaceAll(".", "-")}-${randomLabel()}`;
  await transaction.revision.createMany({
    data: {
      id,
      tenantId,
      controlPlaneId: controlPlane.id,
      versionName: controlPlane.versionName,
      lineName: place.line,
      istiodClusterName: place.istiodCluster,
      namespace: id,
      hostname: `${id}.${context.config.domain}`,
      replicas,
      ...sizeRevision(replicas),
      placement: toJson(place.placement),
      generation: controlPlane.generation,
    },
  });
  await wakeWork(transaction, { kind: "revision", objectId: id, tenantId, shard: place.istiodCluster });
  return id;
}

/** Base32 without padding (RFC 4648, section 6), in lower case. */
const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

/** Five characters: 33 million per control plane name and line; the database refuses an id twice, and another try takes another one. */
function randomLabel(): string {
  return Array.from(randomBytes(5), (byte) => alphabet[byte % alphabet.length]).join("");
}
