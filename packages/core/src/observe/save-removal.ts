import type { Database, Transaction } from "../database/connect.ts";
import type { Lease } from "../work/lease.ts";
import { writeGuarded } from "../work/write-guarded.ts";
import { saveConditions } from "./conditions.ts";
import { insertEvent } from "./events.ts";
import type { ClusterWork } from "./load-cluster.ts";
import type { RevisionWork } from "./load-revision.ts";
import type { ObservedCondition } from "./merge-condition.ts";
import { findLiveOperation, finishOperation, reportOperation } from "./operations.ts";

/** What a removal came to. */
export interface RemovalOutcome {
  conditions: readonly ObservedCondition[];
  kept: readonly string[];
  leftovers: readonly { cluster: string; what: string; command: string }[];
}

/** Ends the watch over a revision that is being removed: its sentinel finds its lease gone and writes nothing any more. */
export async function endWatch(database: Database, lease: Lease, work: RevisionWork): Promise<boolean> {
  const { written } = await writeGuarded(database, lease, async (transaction) => {
    await transaction.workItem.deleteMany({ where: { kind: "sentinel", objectId: work.id } });
    await saveConditions(transaction, targetOfRevision(work), [
      { type: "Ready", status: "False", reason: "BeingRemoved", message: `Revision ${work.id} is being removed.` },
    ]);
  });
  return written;
}

/** Writes back how far a removal is. */
export async function saveRemovalProgress(
  database: Database,
  lease: Lease,
  work: RevisionWork,
  conditions: readonly ObservedCondition[],
): Promise<boolean> {
  const { written } = await writeGuarded(database, lease, async (transaction) => {
    await saveConditions(transaction, targetOfRevision(work), conditions);
    const [said] = conditions;
    if (work.operation !== null && said !== undefined) await reportOperation(transaction, work.operation, said);
  });
  return written;
}

/**
 * Takes a removed revision out of the database, which frees what it had reserved; with the last one its control plane goes, if that is to be
 * deleted, and the operation ends with what was kept and what was left behind.
 */
export async function finishRevisionRemoval(
  database: Database,
  lease: Lease,
  work: RevisionWork,
  outcome: RemovalOutcome,
): Promise<boolean> {
  const { tenantId, controlPlaneId, controlPlaneName } = work;
  const { written } = await writeGuarded(database, lease, async (transaction) => {
    // Of two last revisions that end at once, one waits here, and then sees that it is the last.
    await transaction.$executeRaw`SELECT 1 FROM control_planes WHERE id = ${controlPlaneId}::uuid FOR UPDATE`;
    await forget(transaction, "revision", work.id, ["revision", "sentinel"]);
    await transaction.revision.deleteMany({ where: { id: work.id } });
    const ending = describeEnd(outcome);
    const told = { tenantId, reason: ending.reason, message: ending.message };
    await insertEvent(transaction, {
      ...told,
      type: "revision.deleted",
      objectKind: "revision",
      objectId: work.id,
      objectName: work.id,
    });
    const { count } = await transaction.controlPlane.deleteMany({
      where: { id: controlPlaneId, deletionRequestedAt: { not: null }, revisions: { none: {} } },
    });
    if (count === 0) return;
    const operation = await findLiveOperation(transaction, "control-plane", controlPlaneId);
    if (operation !== null) await finishOperation(transaction, operation, { ...ending, state: "succeeded" });
    await insertEvent(transaction, {
      ...told,
      type: "control-plane.deleted",
      objectKind: "control-plane",
      objectId: controlPlaneId,
      objectName: controlPlaneName,
    });
  });
  return written;
}

/** Takes a disconnected mesh cluster out of the database, with its sealed secrets. */
export async function finishDisconnect(
  database: Database,
  lease: Lease,
  work: ClusterWork,
  outcome: RemovalOutcome,
): Promise<boolean> {
  const { id, name, tenantId } = work;
  const { written } = await writeGuarded(database, lease, async (transaction) => {
    await forget(transaction, "cluster", id, ["cluster"]);
    await transaction.sealedSecret.deleteMany({ where: { objectKind: "cluster", objectId: id } });
    await transaction.meshCluster.deleteMany({ where: { id } });
    const ending = describeEnd(outcome);
    const operation = await findLiveOperation(transaction, "cluster", id);
    if (operation !== null) await finishOperation(transaction, operation, { ...ending, state: "succeeded" });
    await insertEvent(transaction, {
      ...ending,
      tenantId,
      type: "cluster.deleted",
      objectKind: "cluster",
      objectId: id,
      objectName: name,
    });
  });
  return written;
}

async function forget(
  transaction: Transaction,
  objectKind: "cluster" | "revision",
  objectId: string,
  kinds: string[],
): Promise<void> {
  await transaction.condition.deleteMany({ where: { objectKind, objectId } });
  await transaction.workItem.deleteMany({ where: { kind: { in: kinds }, objectId } });
}

function targetOfRevision(work: RevisionWork) {
  return {
    tenantId: work.tenantId,
    objectKind: "revision",
    objectId: work.id,
    objectName: work.id,
    observedGeneration: work.generation,
  } as const;
}

/** How a removal ended, in one reason and one text: with what stays on purpose, and with commands for what was left behind. */
export function describeEnd({ conditions, kept, leftovers }: RemovalOutcome): { reason: string; message: string } {
  const [said] = conditions;
  const parts = [
    said?.message ?? "Removed.",
    ...(kept.length === 0 ? [] : [`Kept: ${kept.join("; ")}.`]),
    ...(leftovers.length === 0
      ? []
      : [
          `Left behind: ${leftovers.map(({ cluster, what, command }) => `${what} (in ${cluster}; remove it with \`${command}\`)`).join("; ")}.`,
        ]),
  ];
  return { reason: said?.reason ?? "Removed", message: parts.join(" ") };
}
