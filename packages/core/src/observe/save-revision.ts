import type { ProofSighting } from "@pilothouse/contract";
import type { Database, Transaction } from "../database/connect.ts";
import type { Lease } from "../work/lease.ts";
import { writeGuarded } from "../work/write-guarded.ts";
import { type ConditionTarget, readConditions, saveConditions } from "./conditions.ts";
import { insertEvent } from "./events.ts";
import type { RevisionWork } from "./load-revision.ts";
import type { ObservedCondition, StoredCondition } from "./merge-condition.ts";
import { finishOperation, type LiveOperation, reportOperation } from "./operations.ts";
import { completeObservation, summarizeRevision } from "./summarize-revision.ts";

/** What a look at a revision saw. */
export interface RevisionSighting {
  conditions: readonly ObservedCondition[];
  /** Plain data for people and for the next look; no secrets. Absent when the look did not get so far. */
  observed?: { configHash?: string; proofs: readonly ProofSighting[] };
  credential?: { issuedAt: string; expiresAt: string };
  /** Ends the live operation as failed: nothing but another wish helps, or its time is over. */
  failure?: { reason: string; message: string };
}

const targetOf = (work: RevisionWork): ConditionTarget => ({
  tenantId: work.tenantId,
  objectKind: "revision",
  objectId: work.id,
  objectName: work.id,
  observedGeneration: work.generation,
});

/**
 * Writes back what a reconcile saw: conditions that differ, Ready among them; life of the credential; the operation's end or progress; and the wish that a
 * revision that is Ready be watched.
 * @returns the status of Ready, or undefined when the lease was over and nothing was written
 */
export async function saveRevisionSighting(
  database: Database,
  lease: Lease,
  work: RevisionWork,
  sighting: RevisionSighting,
): Promise<ObservedCondition["status"] | undefined> {
  const written = await writeGuarded(database, lease, async (transaction) => {
    const now = await lockRevision(transaction, work.id);
    if (now === undefined) return undefined;
    const before = await readConditions(transaction, { objectKind: "revision", objectId: work.id });
    const { conditions, obsolete } = completeObservation(before, sighting.conditions);
    if (obsolete.length > 0)
      await transaction.condition.deleteMany({
        where: { objectKind: "revision", objectId: work.id, type: { in: obsolete } },
      });
    const kept = before.filter(({ type: name }) => !obsolete.includes(name));
    const stored = await saveConditions(transaction, targetOf(work), conditions, kept);
    const ready = await saveReady(transaction, work, before, stored);
    const isCurrent = now.generation === work.generation && !now.isEnding;
    await saveRevisionRow(transaction, work, sighting, ready);
    if (work.operation !== null && isCurrent && work.operation.kind !== "control-plane.delete") {
      const isTold = statusOfReady(before) !== ready.status;
      if (ready.status === "True")
        await endOperation(transaction, work, { operation: work.operation, state: "succeeded", text: ready, isTold });
      else if (sighting.failure !== undefined)
        await endOperation(transaction, work, {
          operation: work.operation,
          state: "failed",
          text: sighting.failure,
          isTold,
        });
      else await reportOperation(transaction, work.operation, ready);
    }
    if (ready.status === "True" && isCurrent) await ensureSentinel(transaction, work);
    const wasReady = statusOfReady(before) === "True";
    return { status: ready.status, isNewlyReady: ready.status === "True" && !wasReady };
  });
  if (!written.written || written.result === undefined) return undefined;
  const { status, isNewlyReady } = written.result;
  const { configHash } = sighting.observed ?? {};
  const isChanged = configHash !== undefined && configHash !== work.configHash;
  if (isNewlyReady || (status === "True" && isChanged)) await wakeOther(database, lease, "sentinel");
  return status;
}

/**
 * Ready is made of what reconciles and sentinels write: they take turns, so that neither judges by what the other is about to change. The
 * other's work item is touched after the transaction alone, as both would wait for each other otherwise.
 */
async function lockRevision(
  transaction: Transaction,
  id: string,
): Promise<{ generation: number; isEnding: boolean } | undefined> {
  const [row] = await transaction.$queryRaw<{ generation: number; isEnding: boolean }[]>`
    SELECT generation, deletion_requested_at IS NOT NULL AS "isEnding" FROM revisions WHERE id = ${id} FOR NO KEY UPDATE`;
  return row;
}

async function wakeOther(database: Database, { objectId }: Lease, kind: "revision" | "sentinel"): Promise<void> {
  await database.$executeRaw`
    UPDATE work_items SET wakes = wakes + 1, next_reconcile_at = clock_timestamp() WHERE kind = ${kind} AND object_id = ${objectId}`;
}

/** Ends what was asked for. The control plane's phase follows from it, so that it is told of, too, where no change of Ready did that. */
async function endOperation(
  transaction: Transaction,
  work: RevisionWork,
  ending: {
    operation: LiveOperation;
    state: "succeeded" | "failed";
    text: { reason: string; message: string };
    isTold: boolean;
  },
): Promise<void> {
  const { reason, message } = ending.text;
  const isEnded = await finishOperation(transaction, ending.operation, { state: ending.state, reason, message });
  if (!isEnded || ending.isTold) return;
  const type = ending.state === "succeeded" ? "control-plane.applied" : "control-plane.failed";
  await insertControlPlaneEvent(transaction, work, { type, reason, message });
}

const statusOfReady = (conditions: readonly StoredCondition[]): StoredCondition["status"] | undefined =>
  conditions.find(({ type }) => type === "Ready")?.status;

async function insertControlPlaneEvent(
  transaction: Transaction,
  { tenantId, controlPlaneId, controlPlaneName }: RevisionWork,
  event: { type: string; reason: string; message: string },
): Promise<void> {
  const object = { objectKind: "control-plane", objectId: controlPlaneId, objectName: controlPlaneName };
  await insertEvent(transaction, { tenantId, ...object, ...event });
}

/** Ready follows from all conditions. Its changes are told of the control plane as well, which is what a tenant ordered. */
async function saveReady(
  transaction: Transaction,
  work: RevisionWork,
  before: readonly StoredCondition[],
  stored: readonly StoredCondition[],
): Promise<ObservedCondition> {
  const ready = summarizeRevision(stored, work);
  await saveConditions(transaction, targetOf(work), [ready], stored);
  if (statusOfReady(before) !== ready.status) {
    const message = `Ready is ${ready.status}: ${ready.message}`;
    await insertControlPlaneEvent(transaction, work, {
      type: "control-plane.condition",
      reason: ready.reason,
      message,
    });
  }
  return ready;
}

async function saveRevisionRow(
  transaction: Transaction,
  work: RevisionWork,
  { observed, credential }: RevisionSighting,
  ready: ObservedCondition,
): Promise<void> {
  const readyAt = ready.status === "True" && work.readyAt === null ? new Date() : undefined;
  // A look that did not come to its proofs says nothing of them.
  const { proofs = [], ...others } = observed ?? {};
  const text = observed === undefined ? null : JSON.stringify(others);
  await transaction.$executeRaw`
    UPDATE revisions SET observed_generation = ${work.generation}, observed = coalesce(observed, '{}'::jsonb) || coalesce(${text}::jsonb, '{}'::jsonb),
      credential_issued_at = coalesce(${credential?.issuedAt ?? null}::timestamptz, credential_issued_at),
      credential_expires_at = coalesce(${credential?.expiresAt ?? null}::timestamptz, credential_expires_at),
      ready_at = coalesce(ready_at, ${readyAt ?? null}::timestamptz)
    WHERE id = ${work.id} AND (observed_generation, observed, credential_issued_at, ready_at) IS DISTINCT FROM
      (${work.generation}::int, coalesce(observed, '{}'::jsonb) || coalesce(${text}::jsonb, '{}'::jsonb), coalesce(${credential?.issuedAt ?? null}::timestamptz, credential_issued_at),
       coalesce(ready_at, ${readyAt ?? null}::timestamptz))`;
  await saveProofs(transaction, work.id, proofs);
  const isRenewed =
    work.credential !== null &&
    credential !== undefined &&
    Date.parse(credential.issuedAt) > work.credential.issuedAt.getTime();
  if (!isRenewed) return;
  await insertEvent(transaction, {
    tenantId: work.tenantId,
    type: "revision.credential-renewed",
    objectKind: "revision",
    objectId: work.id,
    objectName: work.id,
    reason: "CredentialRenewed",
    message: `istiod's token for mesh cluster ${work.clusterName} was renewed; the new one is valid until ${credential.expiresAt}.`,
  });
}

/** Puts the newest proofs in the place of earlier ones of their kind, and keeps when each was proven last. */
async function saveProofs(transaction: Transaction, id: string, proofs: readonly ProofSighting[]): Promise<void> {
  if (proofs.length === 0) return;
  const names = proofs.map(({ name }) => name);
  const provenAt = Object.fromEntries(
    proofs.flatMap(({ name, verdict, at }) => (verdict === "proven" ? [[name, at] as const] : [])),
  );
  await transaction.$executeRaw`
    UPDATE revisions SET observed = coalesce(observed, '{}'::jsonb) || jsonb_build_object('proofs', ${JSON.stringify(proofs)}::jsonb || coalesce(
      (SELECT jsonb_agg(kept) FROM jsonb_array_elements(observed -> 'proofs') kept WHERE NOT kept ->> 'name' = ANY (${names}::text[])), '[]'::jsonb),
      'provenAt', coalesce(observed -> 'provenAt', '{}'::jsonb) || ${JSON.stringify(provenAt)}::jsonb)
    WHERE id = ${id}`;
}

/** A sentinel watches from the first time a revision is Ready. */
async function ensureSentinel(transaction: Transaction, { id, tenantId, istiodCluster }: RevisionWork): Promise<void> {
  await transaction.$executeRaw`
    INSERT INTO work_items (kind, object_id, tenant_id, shard) VALUES ('sentinel', ${id}, ${tenantId}::uuid, ${istiodCluster.name})
    ON CONFLICT (kind, object_id) DO NOTHING`;
}

/**
 * Writes back what a sentinel saw, and what it means for Ready. Nothing is written of a revision that is being removed: what fails then fails on purpose.
 * @returns false when the lease was over
 */
export async function saveSentinelSighting(
  database: Database,
  lease: Lease,
  work: RevisionWork,
  {
    condition,
    proofs,
    wakeRevision,
  }: {
    condition: ObservedCondition;
    /** Those made in this look. */ proofs: readonly ProofSighting[];
    wakeRevision: boolean;
  },
): Promise<boolean> {
  const { written } = await writeGuarded(database, lease, async (transaction) => {
    const now = await lockRevision(transaction, work.id);
    if (now === undefined || now.isEnding) return;
    const before = await readConditions(transaction, { objectKind: "revision", objectId: work.id });
    const stored = await saveConditions(transaction, targetOf(work), [condition], before);
    await saveReady(transaction, work, before, stored);
    await saveProofs(transaction, work.id, proofs);
  });
  if (written && wakeRevision) await wakeOther(database, lease, "revision");
  return written;
}
