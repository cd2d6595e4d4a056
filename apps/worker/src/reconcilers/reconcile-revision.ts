import {
  dropWork,
  endWatch,
  finishRevisionRemoval,
  loadRevision,
  type ObservedCondition,
  operationLimitMs,
  type RevisionWork,
  saveRemovalProgress,
  saveRevisionSighting,
} from "@pilothouse/core";
import {
  type Leftover,
  listMeshLeftovers,
  reconcileSteps,
  removeSteps,
  type RevisionRequest,
  type RevisionResult,
} from "@pilothouse/provisioner";
import { describeProofs } from "../describe-proofs.ts";
import { backOffMs, judgeError, LookCancelled, type Outcome } from "../engine/back-off.ts";
import type { Reconciler } from "../engine/engine.ts";
import type { HeldLease } from "../engine/lease-keeper.ts";
import { describeError } from "../log.ts";
import type { Dependencies } from "./dependencies.ts";
import { nameFault, notConnected } from "./name-fault.ts";
import { openIstiodCluster, openMesh } from "./open-access.ts";
import { isTokenReplaced } from "./is-token-replaced.ts";
import { createStepWriter, type StepWriter } from "./step-writer.ts";

/** The provisioner's own interval for a revision that is Ready; a sentinel watches it, so whole reconciles can be rarer. In milliseconds. */
const provisionerResyncMs = 600_000;
const readyResyncMs = 3_600_000;
/** The provisioner names at least this when something could not be seen, and less when it only has to wait a little. In milliseconds. */
const troubleMs = 2_000;
/** What the provisioner names when another wish is needed, in milliseconds. */
const refusedMs = 60_000;
/** Share of a credential's life after which it is renewed, as in the provisioner. */
const renewalShare = 0.6;
const removalLimitMs = 900_000;

/** Makes a revision's clusters look like its row, or takes the revision away once that is wished. */
export function createRevisionReconciler(dependencies: Dependencies): Reconciler {
  return async (held) => {
    const { database } = dependencies;
    const work = await loadRevision(database, held.lease.objectId);
    if (work === undefined) {
      await dropWork(database, held.lease);
      return { result: "gone", requeueAfterMs: 0, failed: false, isGone: true };
    }
    return work.deletionRequestedAt === null ? reconcile(dependencies, held, work) : remove(dependencies, held, work);
  };
}

async function reconcile(dependencies: Dependencies, held: HeldLease, work: RevisionWork): Promise<Outcome> {
  const { database, provisioner, onTrouble, log } = dependencies;
  const operation = work.operation?.kind === "control-plane.delete" ? null : work.operation;
  const steps = createStepWriter(database, held.lease, operation, { steps: reconcileSteps, log });
  let result: RevisionResult;
  try {
    result = await provisioner.reconcileRevision(await buildRequest(dependencies, held, work, steps));
  } catch (error) {
    await steps.flush();
    await saveFailure(dependencies, held, work, error);
    throw error;
  }
  await steps.flush();
  assertNotCancelled(held);
  await assertTokenStayed(database, work, result);
  const { observed, requeueAfterMs } = result;
  const { configHash, credential, proofs } = observed;
  const failure = findFailure(work, result);
  const ready = await saveRevisionSighting(database, held.lease, work, {
    conditions: result.conditions,
    observed: {
      ...(configHash === undefined ? {} : { configHash }),
      proofs: describeProofs(proofs),
    },
    ...(credential === undefined ? {} : { credential }),
    ...(failure === undefined ? {} : { failure }),
  });
  const hasTrouble = requeueAfterMs >= troubleMs && result.conditions.some(({ status }) => status === "Unknown");
  if (hasTrouble) onTrouble(work.istiodCluster.name);
  if (ready === "True")
    return { result: "ready", requeueAfterMs: nextLookMs(requeueAfterMs, credential), failed: false };
  if (hasTrouble) {
    const waitMs = Math.max(requeueAfterMs, backOffMs(held.lease.failures + 1));
    return { result: "transient", requeueAfterMs: waitMs, failed: true };
  }
  return { result: "progressing", requeueAfterMs: slowDown(requeueAfterMs, work), failed: false };
}

/** What was thrown is a fault of the request or of what it needs; it is the first thing that is not as wished. */
async function saveFailure(
  { database }: Dependencies,
  held: HeldLease,
  work: RevisionWork,
  error: unknown,
): Promise<void> {
  assertNotCancelled(held);
  const fault = nameFault(error);
  if (fault === undefined) return;
  const { code: reason, message } = fault;
  const status = fault.kind === "user" ? "False" : "Unknown";
  const failure = fault.kind === "user" ? { reason, message } : findOverdue(work, message);
  await saveRevisionSighting(database, held.lease, work, {
    conditions: [{ type: "Isolated", status, reason, message }],
    ...(failure === undefined ? {} : { failure }),
  });
}

/** An operation fails when its wish was refused, or when its time is over. */
function findFailure(
  work: RevisionWork,
  { conditions, requeueAfterMs }: RevisionResult,
): { reason: string; message: string } | undefined {
  const ready = conditions.find(({ type }) => type === "Ready");
  if (work.operation === null || ready === undefined || ready.status === "True") return undefined;
  const isRefused = ready.status === "False" && requeueAfterMs >= refusedMs;
  if (isRefused) return { reason: ready.reason, message: ready.message };
  return findOverdue(work, ready.message);
}

/** @param last what it waits for */
function findOverdue({ operation }: RevisionWork, last: string): { reason: string; message: string } | undefined {
  if (operation === null || Date.now() - operation.createdAt.getTime() < operationLimitMs) return undefined;
  return { reason: "NotReadyInTime", message: `The revision is not Ready after 15 minutes: ${last}` };
}

function nextLookMs(requeueAfterMs: number, credential: { issuedAt: string; expiresAt: string } | undefined): number {
  if (requeueAfterMs < provisionerResyncMs) return requeueAfterMs;
  const spreadMs = readyResyncMs * (0.8 + 0.4 * Math.random());
  if (credential === undefined) return spreadMs;
  const issuedMs = Date.parse(credential.issuedAt);
  const dueMs = issuedMs + (Date.parse(credential.expiresAt) - issuedMs) * renewalShare - Date.now();
  return Math.min(spreadMs, Math.max(1_000, dueMs));
}

/** What has not come up for minutes is not looked at several times a second. */
function slowDown(requeueAfterMs: number, { operation, conditions, createdAt }: RevisionWork): number {
  const since = operation?.createdAt ?? conditions.find(({ type }) => type === "Ready")?.lastTransitionAt ?? createdAt;
  return Math.max(requeueAfterMs, Math.min(10_000, (Date.now() - since.getTime()) / 60));
}

async function remove(dependencies: Dependencies, held: HeldLease, work: RevisionWork): Promise<Outcome> {
  const { database, provisioner, onTrouble, log } = dependencies;
  const isWatched = !work.conditions.some(({ type, reason }) => type === "Ready" && reason === "BeingRemoved");
  if (isWatched && !(await endWatch(database, held.lease, work))) throw new LookCancelled("The lease was over.");
  const requestedMs = (work.deletionRequestedAt ?? work.createdAt).getTime();
  const giveUpAtMs = work.giveUpAt?.getTime() ?? requestedMs + removalLimitMs;
  const steps = createStepWriter(database, held.lease, work.operation, { steps: removeSteps, log });
  let result: Awaited<ReturnType<typeof provisioner.removeRevision>>;
  try {
    const request = await buildRequest(dependencies, held, work, steps);
    result = await provisioner.removeRevision({ ...request, giveUpAtMs });
  } catch (error) {
    await steps.flush();
    return concludeFailedRemoval(dependencies, held, work, { error, giveUpAtMs });
  }
  await steps.flush();
  assertNotCancelled(held);
  await assertTokenStayed(database, work, result);
  if (result.done) {
    const isWritten = await finishRevisionRemoval(database, held.lease, work, result);
    return { result: "removed", requeueAfterMs: 0, failed: false, isGone: isWritten };
  }
  await saveRemovalProgress(database, held.lease, work, result.conditions);
  const requeueAfterMs = result.requeueAfterMs ?? troubleMs;
  if (result.conditions.every(({ status }) => status !== "Unknown")) {
    return { result: "progressing", requeueAfterMs: slowDown(requeueAfterMs, work), failed: false };
  }
  onTrouble(work.istiodCluster.name);
  const waitMs = Math.min(backOffMs(held.lease.failures + 1), Math.max(requeueAfterMs, giveUpAtMs - Date.now() + 100));
  return { result: "transient", requeueAfterMs: waitMs, failed: true };
}

/** Without a way into a cluster a removal ends all the same, once its time is over. */
async function concludeFailedRemoval(
  { database, log }: Dependencies,
  held: HeldLease,
  work: RevisionWork,
  { error, giveUpAtMs }: { error: unknown; giveUpAtMs: number },
): Promise<Outcome> {
  assertNotCancelled(held);
  const fault = nameFault(error);
  if (fault === undefined) throw error;
  const { code: reason, message } = fault;
  const condition: ObservedCondition = { type: "Removed", status: "Unknown", reason, message };
  const fields = { revision: work.id, reason, error: describeError(error) };
  if (Date.now() < giveUpAtMs) {
    log("warn", "a revision could not be removed; it is tried again", fields);
    await saveRemovalProgress(database, held.lease, work, [condition]);
    const outcome = judgeError(fault, held.lease.failures);
    return { ...outcome, requeueAfterMs: Math.max(0, Math.min(outcome.requeueAfterMs, giveUpAtMs - Date.now() + 100)) };
  }
  log("warn", "a removal ended without its clusters, as its time is over", fields);
  const outcome = { conditions: [condition], kept: [], leftovers: listLeftovers(work) };
  const isGone = await finishRevisionRemoval(database, held.lease, work, outcome);
  return { result: "removed", requeueAfterMs: 0, failed: false, isGone };
}

/** All that a revision may have in both clusters: neither was asked. */
function listLeftovers({ id, clusterId, hostname, istiodCluster, version }: RevisionWork): Leftover[] {
  const mesh = listMeshLeftovers({ mesh: { id: clusterId }, revision: { id, version } }, false);
  const namespace = `kubectl delete namespace ${id} --ignore-not-found`;
  return [
    ...mesh,
    { cluster: "dns", what: `Record ${hostname}`, command: `withdraw ${hostname} from the provider's DNS` },
    { cluster: istiodCluster.name, what: `Namespace ${id}`, command: namespace },
  ];
}

/** @throws ProvisionerError NotConnected (notReady), or what opening the accesses throws */
async function buildRequest(
  { keys, provider, dns, tokenLifetimeSeconds }: Dependencies,
  held: HeldLease,
  work: RevisionWork,
  steps: StepWriter,
): Promise<RevisionRequest> {
  if (work.mesh === null) throw notConnected(work);
  const [mesh, istiodCluster] = await Promise.all([
    openMesh(keys, work.mesh),
    openIstiodCluster(keys, work.istiodCluster),
  ]);
  return {
    revision: {
      id: work.id,
      tenant: work.tenantName,
      controlPlane: work.controlPlaneName,
      version: work.version,
      replicas: work.replicas,
      tokenLifetimeSeconds,
    },
    mesh,
    istiodCluster,
    provider,
    dns,
    deadline: held.deadline,
    onStep: steps.onStep,
  };
}

/** What a look saw that was ended before its time says nothing of the clusters. */
function assertNotCancelled(held: HeldLease): void {
  if (held.isCancelled()) throw new LookCancelled("This worker stops, or the lease was lost.");
}

/** Nor does what it saw with a token that was revoked meanwhile. */
async function assertTokenStayed(
  database: Dependencies["database"],
  work: RevisionWork,
  { conditions }: { conditions: readonly ObservedCondition[] },
): Promise<void> {
  const reasons = conditions.map(({ reason }) => reason);
  if (await isTokenReplaced(database, work, reasons))
    throw new LookCancelled("Pilothouse's token was renewed during the look.");
}
