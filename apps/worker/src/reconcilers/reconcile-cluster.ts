import { randomUUID } from "node:crypto";
import {
  type ClusterWork,
  dropWork,
  findDatabaseCode,
  finishDisconnect,
  loadCluster,
  type ObservedCondition,
  saveClusterSighting,
  saveClusterToken,
  saveConnection,
  type SealedText,
  type StoredMesh,
} from "@pilothouse/core";
import {
  connectSteps,
  disconnectSteps,
  listConnectionLeftovers,
  type MeshCluster,
  ProvisionerError,
} from "@pilothouse/provisioner";
import { backOffMs, judgeError, LookCancelled, type Outcome } from "../engine/back-off.ts";
import type { Reconciler } from "../engine/engine.ts";
import type { HeldLease } from "../engine/lease-keeper.ts";
import { describeError } from "../log.ts";
import type { Dependencies } from "./dependencies.ts";
import { lookForOrphans } from "./look-for-orphans.ts";
import { nameFault } from "./name-fault.ts";
import { openMesh } from "./open-access.ts";
import { createStepWriter } from "./step-writer.ts";

/** How often a connected cluster is looked at, in milliseconds; spread by a fifth to both sides. */
const connectedIntervalMs = 600_000;
/** A kubeconfig lives 15 minutes: its tries are not further apart. In milliseconds. */
const mostConnectWaitMs = 30_000;
/** One try to disconnect; it repeats itself until its time is over. In milliseconds. */
const disconnectTryMs = 10_000;
const disconnectLimitMs = 900_000;
const idleMs = 3_600_000;
const uniqueViolation = "23505";

/** Connects a mesh cluster, keeps its token fresh, or disconnects it, whichever its row wishes. */
export function createClusterReconciler(dependencies: Dependencies): Reconciler {
  return async (held) => {
    const { database } = dependencies;
    const work = await loadCluster(database, held.lease.objectId);
    if (work === undefined) {
      await dropWork(database, held.lease);
      return { result: "gone", requeueAfterMs: 0, failed: false, isGone: true };
    }
    if (work.deletionRequestedAt !== null) return disconnect(dependencies, held, work, work.deletionRequestedAt);
    if (work.kubeconfig !== null) return connect(dependencies, held, work, work.kubeconfig);
    if (work.operation?.kind === "cluster.connect") await failConnect(dependencies, held, work);
    if (work.mesh !== null) return renew(dependencies, held, work, work.mesh);
    return { result: "progressing", requeueAfterMs: idleMs, failed: false };
  };
}

async function connect(
  dependencies: Dependencies,
  held: HeldLease,
  work: ClusterWork,
  kubeconfig: SealedText,
): Promise<Outcome> {
  const { database, provisioner, provider, keys, log } = dependencies;
  const steps = createStepWriter(database, held.lease, work.operation, { steps: connectSteps, log });
  try {
    const { cluster, conditions, report } = await provisioner.connectCluster({
      id: work.id,
      kubeconfig: await keys.openText(kubeconfig),
      provider,
      versions: work.versions,
      deadline: held.deadline,
      onStep: steps.onStep,
    });
    await steps.flush();
    const { certificateAuthority, tlsServerName, server, clusterUid } = cluster;
    const isWritten = await saveConnection(database, held.lease, work, {
      server,
      ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
      ...(tlsServerName === undefined ? {} : { tlsServerName }),
      clusterUid,
      kubernetesVersion: report.kubernetesVersion,
      conditions,
      ...(await sealToken(dependencies, work, cluster)),
    });
    if (!isWritten) throw new LookCancelled("The lease was over before the connection was stored.");
    return { result: "ready", requeueAfterMs: spread(connectedIntervalMs), failed: false };
  } catch (error) {
    await steps.flush();
    return concludeFailedConnect(dependencies, held, work, { kubeconfig, error });
  }
}

async function concludeFailedConnect(
  { database, log }: Dependencies,
  held: HeldLease,
  work: ClusterWork,
  { kubeconfig, error }: { kubeconfig: SealedText; error: unknown },
): Promise<Outcome> {
  if (held.isCancelled()) throw new LookCancelled("This worker stops, or the lease was lost.");
  const known = nameConnectError(error);
  if (known === undefined) throw error;
  if (known !== error && known.kind === "unknown")
    log("warn", "a cluster could not be connected", { cluster: work.id, error: describeError(error) });
  const { code: reason, message } = known;
  const isFinal = known.kind === "user";
  // A cluster that is connected stays so when another kubeconfig is refused.
  const conditions: ObservedCondition[] =
    work.mesh === null ? [{ type: "Connected", status: isFinal ? "False" : "Unknown", reason, message }] : [];
  await saveClusterSighting(database, held.lease, work, {
    conditions,
    ...(isFinal ? { failure: { reason, message }, eraseKubeconfig: true } : { progress: { reason, message } }),
  });
  const outcome = judgeError(known, held.lease.failures);
  if (isFinal) return { ...outcome, requeueAfterMs: work.mesh === null ? idleMs : 0 };
  const leftMs = (kubeconfig.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY) - Date.now();
  return { ...outcome, requeueAfterMs: Math.max(0, Math.min(outcome.requeueAfterMs, mostConnectWaitMs, leftMs + 100)) };
}

function nameConnectError(error: unknown): ProvisionerError | undefined {
  if (findDatabaseCode(error) !== uniqueViolation) return nameFault(error);
  return new ProvisionerError(
    "user",
    "AlreadyConnected",
    "This cluster is connected already, under another name or by another tenant. Disconnect it there first.",
    { parameter: "kubeconfig" },
  );
}

/** The kubeconfig's time was over before the cluster could be connected. */
async function failConnect({ database }: Dependencies, held: HeldLease, work: ClusterWork): Promise<void> {
  const last = work.operation?.message ?? "";
  const failure = {
    reason: "KubeconfigExpired",
    message:
      `The cluster could not be connected within 15 minutes, and its kubeconfig was erased. Give one again. ${last}`.trim(),
  };
  const conditions: ObservedCondition[] =
    work.mesh === null ? [{ type: "Connected", status: "False", ...failure }] : [];
  await saveClusterSighting(database, held.lease, work, { conditions, failure });
}

async function renew(
  dependencies: Dependencies,
  held: HeldLease,
  work: ClusterWork,
  mesh: StoredMesh,
): Promise<Outcome> {
  const { database, provisioner, provider, keys } = dependencies;
  try {
    const { cluster, requeueAfterMs } = await provisioner.renewClusterToken({
      cluster: await openMesh(keys, mesh),
      provider,
      deadline: held.deadline,
      async saveCluster(renewedCluster) {
        const renewed = await sealToken(dependencies, work, renewedCluster);
        if (await saveClusterToken(database, held.lease, work, renewed)) return;
        throw new LookCancelled("The lease was over before the renewed token was stored.");
      },
    });
    const before = work.conditions.find(({ type }) => type === "Connected");
    const orphans = await lookForOrphans(dependencies, work, { cluster, provider, deadline: held.deadline });
    if (held.isCancelled()) throw new LookCancelled("This worker stops, or the lease was lost.");
    const conditions = [
      ...(before?.status === "True" ? [] : [describeReturn(before)]),
      ...(orphans === undefined ? [] : [orphans]),
    ];
    if (conditions.length > 0) await saveClusterSighting(database, held.lease, work, { conditions });
    return { result: "ready", requeueAfterMs: Math.min(requeueAfterMs, spread(connectedIntervalMs)), failed: false };
  } catch (error) {
    if (held.isCancelled()) throw new LookCancelled("This worker stops, or the lease was lost.");
    const fault = nameFault(error);
    if (fault !== undefined) {
      const status = fault.kind === "user" ? "False" : "Unknown";
      const { code: reason, message } = fault;
      await saveClusterSighting(database, held.lease, work, {
        conditions: [{ type: "Connected", status, reason, message }],
      });
    }
    throw error;
  }
}

/** A cluster that answers again is connected as it was. */
function describeReturn(before: ClusterWork["conditions"][number] | undefined): ObservedCondition {
  const known = before?.lastKnown?.status === "True" ? before.lastKnown : undefined;
  return {
    type: "Connected",
    status: "True",
    reason: known?.reason ?? "IdentityAccepted",
    message: known?.message ?? "The cluster accepts Pilothouse's identity.",
  };
}

async function disconnect(
  dependencies: Dependencies,
  held: HeldLease,
  work: ClusterWork,
  requestedAt: Date,
): Promise<Outcome> {
  const { database, provisioner, provider, keys, log } = dependencies;
  if (work.mesh === null) {
    const message = "The cluster was never connected, so that nothing of Pilothouse is in it.";
    return finish([{ type: "Disconnected", status: "True", reason: "NeverConnected", message }], [], []);
  }
  const isOver = Date.now() >= requestedAt.getTime() + disconnectLimitMs;
  const steps = createStepWriter(database, held.lease, work.operation, { steps: disconnectSteps, log });
  try {
    const result = await provisioner.disconnectCluster({
      cluster: await openMesh(keys, work.mesh),
      provider,
      deadline: held.deadline,
      signal: AbortSignal.timeout(disconnectTryMs),
      onStep: steps.onStep,
    });
    await steps.flush();
    if (held.isCancelled()) throw new LookCancelled("This worker stops, or the lease was lost.");
    if (result.done || isOver) return await finish(result.conditions, result.kept, result.leftovers);
    await reportProgress(result.conditions);
    const waitMs = Math.min(Math.max(result.requeueAfterMs ?? 0, backOffMs(held.lease.failures + 1)), 60_000);
    return { result: "transient", requeueAfterMs: waitMs, failed: true };
  } catch (error) {
    await steps.flush();
    if (held.isCancelled()) throw new LookCancelled("This worker stops, or the lease was lost.");
    const fault = nameFault(error);
    if (fault === undefined) throw error;
    const { code: reason, message } = fault;
    log("warn", "a cluster could not be disconnected", { cluster: work.id, reason, error: describeError(error) });
    const condition: ObservedCondition = { type: "Disconnected", status: "False", reason, message };
    if (isOver) return finish([condition], [], listConnectionLeftovers(work.id));
    await reportProgress([condition]);
    const outcome = judgeError(fault, held.lease.failures);
    return { ...outcome, requeueAfterMs: Math.min(outcome.requeueAfterMs, 60_000) };
  }

  async function reportProgress(conditions: readonly ObservedCondition[]): Promise<void> {
    const [progress] = conditions;
    await saveClusterSighting(database, held.lease, work, {
      conditions,
      ...(progress === undefined ? {} : { progress }),
    });
  }

  async function finish(
    conditions: readonly ObservedCondition[],
    kept: readonly string[],
    leftovers: readonly { cluster: string; what: string; command: string }[],
  ): Promise<Outcome> {
    const isGone = await finishDisconnect(database, held.lease, work, { conditions, kept, leftovers });
    return { result: "removed", requeueAfterMs: 0, failed: false, isGone };
  }
}

async function sealToken({ keys }: Dependencies, work: ClusterWork, { token }: MeshCluster) {
  const sealed = await keys.sealText(
    { id: randomUUID(), tenantId: work.tenantId, purpose: "cluster-token", objectKind: "cluster", objectId: work.id },
    JSON.stringify(token),
  );
  return { token: sealed, tokenIssuedAt: token.issuedAt, tokenExpiresAt: token.expiresAt };
}

const spread = (ms: number): number => ms * (0.8 + 0.4 * Math.random());
