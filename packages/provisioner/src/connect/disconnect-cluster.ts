import { setTimeout as sleep } from "node:timers/promises";
import type { Deadline } from "../deadline.ts";
import { ProvisionerError } from "../errors.ts";
import { caSecretName } from "../istio/istiod-leftovers.ts";
import { istioSystem } from "../istio/names.ts";
import type { CallRecord } from "../kube/transport.ts";
import type { KubeClient } from "../kube/types.ts";
import { listMeshRevisions } from "../revision/mesh-half.ts";
import type { Leftover } from "../revision/remove-revision.ts";
import type { Condition, MeshCluster, ProviderConfig } from "../types.ts";
import { clusterNames } from "./cluster-names.ts";
import { findIstioGroups } from "./find-istio.ts";
import { listConnectionLeftovers } from "./list-connection-leftovers.ts";
import { createMeshClient } from "./mesh-client.ts";
import { readClusterUid } from "./reach-server.ts";
import { findSystemNamespace, settleSystemNamespace } from "./settle-system-namespace.ts";

/** Every step after which `onStep` is called, in order. */
export const disconnectSteps = [
  "customResourcesRemoved",
  "certificateAuthorityRemoved",
  "systemNamespaceSettled",
  "anchorRemoved",
  "identityGone",
] as const;

export type DisconnectStep = (typeof disconnectSteps)[number];

export interface DisconnectRequest {
  cluster: MeshCluster;
  provider: ProviderConfig;
  /** Nothing is written after it, and the call ends by it. */
  deadline: Deadline;
  signal?: AbortSignal;
  /** Removes Istio's CustomResourceDefinitions, and with them every Istio object of the tenant. */
  removeCustomResourceDefinitions?: boolean;
  /** Removes the mesh's certificate authority: workloads that still have its certificates stop trusting new ones. */
  removeCertificateAuthority?: boolean;
  /**
   * Removes namespace istio-system if connecting created it and nothing is seen in it. Secrets, Jobs and other things of the tenant's
   * that Pilothouse doesn't see there go with it. Without this wish it stays, and `kept` names the command.
   */
  removeSystemNamespace?: boolean;
  onStep?: (step: DisconnectStep) => void;
  log?: (record: CallRecord) => void;
}

export interface DisconnectResult {
  /** true when nothing is left to do for Pilothouse: all is removed, or it has no way in any more (see `leftovers`). */
  done: boolean;
  conditions: Condition[];
  leftovers: Leftover[];
  /** What stays on purpose. */
  kept: string[];
  /** Absent when done. */
  requeueAfterMs?: number;
}

/** What one attempt sees and does; goes on where the one before ended. */
interface Progress {
  kept: string[];
  taken: Set<DisconnectStep>;
  /** The identity still worked when this call began, so that its end is the work of the cluster's garbage collector. */
  sawIdentity: boolean;
}

const type = "Disconnected";
const anchorRef = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", name: clusterNames.anchor };
const retryIntervalMs = 1_000;
const endingIntervalMs = 100;

/**
 * Takes a mesh cluster's connection away. It ends with one delete, of the ClusterRole that owns everything else: the cluster's
 * garbage collector then removes the identity together with its rights, in whatever order. Can be ended at any point and run again.
 *
 * If the API server doesn't answer it is tried again until the deadline; the result then says what is left.
 *
 * @throws ProvisionerError (kind user) RevisionsRemain, ClusterChanged
 */
export async function disconnectCluster(request: DisconnectRequest): Promise<DisconnectResult> {
  const { cluster, deadline, log, provider } = request;
  const signal = AbortSignal.any([deadline.signal, ...(request.signal === undefined ? [] : [request.signal])]);
  const client = createMeshClient(cluster, provider, { deadline, signal, ...(log === undefined ? {} : { log }) });
  const progress: Progress = { kept: [], taken: new Set(), sawIdentity: false };
  let last: ProvisionerError | undefined;
  try {
    while (deadline.remainingMs() > 0 && !signal.aborted) {
      try {
        const intervalMs = await attempt(client, request, progress);
        if (intervalMs === 0)
          return progress.sawIdentity ? concludeRemoved(progress) : concludeRefused(cluster, progress);
        await pause(intervalMs, signal);
      } catch (error) {
        if (!(error instanceof ProvisionerError) || error.code === "RevisionsRemain" || error.code === "ClusterChanged")
          throw error;
        if (error.kind === "user") return concludeRefused(cluster, progress, error);
        // The last error says less than the one before when it is only the deadline's.
        if (last === undefined || !["DeadlinePassed", "Aborted"].includes(error.code)) last = error;
        await pause(retryIntervalMs, signal);
      }
    }
    return concludeUnfinished(cluster, progress, last);
  } finally {
    await client.close();
  }
}

/** One pass over what is left. Answers when to look again, in milliseconds; 0 when nothing is left. */
async function attempt(client: KubeClient, request: DisconnectRequest, progress: Progress): Promise<number> {
  const { cluster } = request;
  const take = (step: DisconnectStep) => {
    if (progress.taken.has(step)) return;
    progress.taken.add(step);
    request.onStep?.(step);
  };
  if (!progress.taken.has("anchorRemoved") && (await hasAnchor(client))) {
    progress.sawIdentity = true;
    await assertSameCluster(client, cluster);
    await assertNoRevisions(client, cluster.id);
    if (request.removeCustomResourceDefinitions === true && (await removeCustomResources(client)) > 0)
      return endingIntervalMs;
    take("customResourcesRemoved");
    const system = await findSystemNamespace(client);
    if (system !== undefined && request.removeCertificateAuthority === true) {
      await client.delete({ apiVersion: "v1", kind: "Secret", namespace: istioSystem, name: caSecretName });
    }
    take("certificateAuthorityRemoved");
    const remove = request.removeSystemNamespace ?? false;
    const reason = system === undefined ? undefined : await settleSystemNamespace(client, system, { remove });
    progress.kept = listKept(await findIstioGroups(client), reason);
    take("systemNamespaceSettled");
    await client.delete(anchorRef, { propagation: "Background" });
    take("anchorRemoved");
  }
  if (!(await isIdentityGone(client, cluster))) {
    progress.sawIdentity = true;
    return endingIntervalMs;
  }
  take("identityGone");
  return 0;
}

/** false when an earlier call removed it: then rights are going one after the other. */
async function hasAnchor(client: KubeClient): Promise<boolean> {
  try {
    return (await client.get(anchorRef)) !== undefined;
  } catch (error) {
    if (error instanceof ProvisionerError && error.code === "Forbidden") return false;
    throw error;
  }
}

async function assertSameCluster(client: KubeClient, cluster: MeshCluster): Promise<void> {
  if ((await readClusterUid(client)) === cluster.clusterUid) return;
  throw new ProvisionerError(
    "user",
    "ClusterChanged",
    `Behind ${cluster.server} there is another cluster now than the one connected as ${cluster.id}. Nothing was removed from it.`,
  );
}

async function assertNoRevisions(client: KubeClient, clusterId: string): Promise<void> {
  const revisions = await listMeshRevisions(client, clusterId);
  if (revisions.length === 0) return;
  throw new ProvisionerError(
    "user",
    "RevisionsRemain",
    `Mesh cluster ${clusterId} still has objects of ${revisions.join(", ")}. Remove these revisions first.`,
  );
}

/**
 * Removes those that Pilothouse was given the right to remove when it connected: the lines' own. Others of Istio's domain are the
 * tenant's. Answers how many are still ending.
 */
async function removeCustomResources(client: KubeClient): Promise<number> {
  const kind = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" };
  const names = (await client.listMetadata(kind))
    .map(({ metadata }) => metadata.name)
    .filter((name) => name.endsWith(".istio.io"));
  const removed = await Promise.all(
    names.map(async (name) => {
      try {
        return await client.delete({ ...kind, name });
      } catch (error) {
        if (error instanceof ProvisionerError && error.code === "Forbidden") return false;
        throw error;
      }
    }),
  );
  return removed.filter(Boolean).length;
}

/** Whether the cluster has begun to remove the identity: then the rest follows without it. */
async function isIdentityGone(client: KubeClient, { token }: MeshCluster): Promise<boolean> {
  try {
    return (
      (await client.get({ apiVersion: "v1", kind: "Secret", namespace: token.namespace, name: token.secretName })) ===
      undefined
    );
  } catch (error) {
    if (error instanceof ProvisionerError && ["Unauthorized", "Forbidden"].includes(error.code)) return true;
    throw error;
  }
}

function listKept(istioGroups: string[], systemNamespaceReason: string | undefined): string[] {
  return [
    ...(istioGroups.length === 0 ? [] : ["Istio's CustomResourceDefinitions, and with them every Istio object"]),
    ...(systemNamespaceReason === undefined ? [] : [`Namespace ${istioSystem}: ${systemNamespaceReason}`]),
  ];
}

/** When it is aborted the next look at the deadline ends the loop. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

function concludeRemoved({ kept }: Progress): DisconnectResult {
  const message = "Nothing of Pilothouse is left in the mesh cluster but what is kept on purpose.";
  return { done: true, kept, leftovers: [], conditions: [{ type, status: "True", reason: "Removed", message }] };
}

/** Pilothouse has no way in, or not the rights it needs: nothing it could try again would help. */
function concludeRefused(cluster: MeshCluster, { kept }: Progress, error?: ProvisionerError): DisconnectResult {
  const leftovers = listConnectionLeftovers(cluster.id);
  if (error !== undefined && error.code !== "Unauthorized") {
    const message = `The removal can't go on: ${error.message} What may be left is listed with the commands that remove it.`;
    return { done: true, kept, leftovers, conditions: [{ type, status: "False", reason: error.code, message }] };
  }
  const message =
    "The mesh cluster does not accept Pilothouse's token any more, as after a finished removal. Whether something is left can't be seen; the commands that remove it are listed.";
  return { done: true, kept, leftovers, conditions: [{ type, status: "Unknown", reason: "IdentityRefused", message }] };
}

function concludeUnfinished(
  cluster: MeshCluster,
  { kept, taken }: Progress,
  error: ProvisionerError | undefined,
): DisconnectResult {
  const leftovers = listConnectionLeftovers(cluster.id);
  const waitsForCluster = error === undefined;
  const message = waitsForCluster
    ? `The time was over before the mesh cluster had removed ${taken.has("customResourcesRemoved") ? "Pilothouse's identity" : "Istio's CustomResourceDefinitions"}. Look whether its kube-controller-manager runs, which does this. What is left is listed with the commands that remove it.`
    : `The removal did not end in time: ${error.message} What is left is listed with the commands that remove it.`;
  const reason = waitsForCluster ? "NotCollected" : error.code;
  const status = waitsForCluster ? "False" : "Unknown";
  return { done: false, kept, leftovers, conditions: [{ type, status, reason, message }], requeueAfterMs: 10_000 };
}
