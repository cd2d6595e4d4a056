import { ProvisionerError } from "../errors.ts";
import { caSecretName } from "../istio/istiod-leftovers.ts";
import { istiodName, istioSystem } from "../istio/names.ts";
import type { KubeObject } from "../kube/types.ts";
import { clusterLabel, revisionLabel } from "../labels.ts";
import type { Condition } from "../types.ts";
import { assertAnswers } from "./assert-answers.ts";
import { listMeshLeftovers } from "./list-revision-leftovers.ts";
import { isLastRevision, removeIdentity, removeLeftovers, removeWebhooks } from "./mesh-half.ts";
import { type RevisionRequest, type RevisionScope, withRevisionScope } from "./scope.ts";

/** Every step after which `onStep` is called, in order. */
export const removeSteps = [
  "webhooksRemoved",
  "recordWithdrawn",
  "istiodRemoved",
  "identityRemoved",
  "leftoversRemoved",
  "namespaceRemoved",
] as const;

/** What a removal is given beside the revision. */
export interface RemovalRequest extends RevisionRequest {
  /**
   * Wall-clock time in milliseconds since 1970 at which the removal ends without the cluster that can't be reached. Until then nothing
   * is taken from the revision's other half: with webhooks in place and istiod gone, the tenant's pods could not start.
   */
  giveUpAtMs: number;
  /** Also removes the mesh's certificate authority, if no other revision is left. Every workload then gets a new root. */
  removeCertificateAuthority?: boolean;
}

/** Something a removal left behind, and the command that removes it. */
export interface Leftover {
  cluster: string;
  what: string;
  command: string;
}

/** The answer of a removal. */
export interface RemovalResult {
  /** true when nothing is left to do, or nothing can be done: see `leftovers`. */
  done: boolean;
  conditions: Condition[];
  leftovers: Leftover[];
  /** What stays on purpose. */
  kept: string[];
  /** Absent when done. */
  requeueAfterMs?: number;
}

const type = "Removed";

/** How soon to look again while pods and namespaces end, in milliseconds. */
const endingIntervalMs = 250;

/** How long API servers get to notice that webhooks are gone, in milliseconds: a watch event takes some tens. */
const webhooksEndMs = 1_000;

/** What has been ending for this long does not end by itself: a node is dead, or a finalizer waits. In milliseconds. */
const endingOverdueMs = 60_000;

/** How this run itself ends; says nothing of whether a cluster can be reached. */
const ownEndCodes = new Set(["DeadlinePassed", "Aborted"]);

/** What is left of the revision in its istiod cluster. */
interface HostedState {
  namespace?: KubeObject;
  pods: KubeObject[];
}

/**
 * Deletes the revision's namespace and ends istiod in it at once: the namespace controller looks at a namespace only 5 s after it was
 * deleted (its grace period in k8s.io/kubernetes/cmd/kube-controller-manager).
 */
async function endHosted(scope: RevisionScope): Promise<HostedState> {
  const ref = { apiVersion: "v1", kind: "Namespace", name: scope.revision.id };
  const namespace = await scope.istiodClient.get(ref);
  if (namespace === undefined) return { pods: [] };
  const { labels } = namespace.metadata;
  if (labels?.[revisionLabel] !== scope.revision.id || labels[clusterLabel] !== scope.mesh.id) {
    throw new ProvisionerError(
      "user",
      "NamespaceNotOurs",
      `Namespace ${scope.revision.id} of istiod cluster ${scope.istiodCluster.name} is not this revision's, by its labels ${revisionLabel} and ${clusterLabel}. It is left alone: look whose it is before you remove it.`,
    );
  }
  const isEnding = (object: KubeObject): boolean => object.metadata.deletionTimestamp !== undefined;
  if (!isEnding(namespace))
    await scope.istiodClient.delete(ref, { uid: namespace.metadata.uid ?? "", propagation: "Background" });
  await scope.istiodClient.delete(
    { apiVersion: "apps/v1", kind: "Deployment", name: istiodName, namespace: scope.revision.id },
    { propagation: "Background" },
  );
  const pods = await scope.istiodClient.list({ apiVersion: "v1", kind: "Pod" }, { namespace: scope.revision.id });
  await Promise.all(pods.filter((pod) => !isEnding(pod)).map((pod) => endPod(scope, pod.metadata.name)));
  return { namespace, pods };
}

/** @throws ProvisionerError DoesNotEnd (notReady) when an object has been ending for too long */
function assertEnds(scope: RevisionScope, { kind, metadata }: KubeObject): void {
  if (metadata.deletionTimestamp === undefined) return;
  if (scope.nowMs() < Date.parse(metadata.deletionTimestamp) + endingOverdueMs) return;
  throw new ProvisionerError(
    "notReady",
    "DoesNotEnd",
    `${kind} ${metadata.name} of istiod cluster ${scope.istiodCluster.name} does not end. Look for a node that is gone or a finalizer that waits: kubectl get namespace,pods -n ${scope.revision.id} -o yaml`,
  );
}

async function endPod(scope: RevisionScope, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${scope.revision.id}/pods/${name}`;
  await scope.istiodClient
    .request("DELETE", path, { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 1 })
    .catch((error: unknown) => {
      if (!(error instanceof ProvisionerError) || error.code !== "NotFound") throw error;
    });
}

/**
 * Takes a revision away from both clusters: webhooks first, so that nothing calls an istiod that is going; then the name, istiod
 * itself, what it left in the mesh cluster, and its identity. CustomResourceDefinitions stay: with them every Istio object of the
 * tenant would go. So does the certificate authority unless it is asked for. Can be ended at any point and run again.
 *
 * A cluster that can't be reached is waited for until `giveUpAtMs`; then the removal ends without it and says what is left.
 */
export async function removeRevision(request: RemovalRequest): Promise<RemovalResult> {
  return withRevisionScope(request, async (scope) => {
    const isOver = scope.nowMs() >= request.giveUpAtMs;
    const givenUp = new Map<string, string>();
    const clients = new Map([
      [scope.mesh.id, scope.meshClient],
      [scope.istiodCluster.name, scope.istiodClient],
    ]);
    const leftovers: Leftover[] = [];
    const waiting: Condition[] = [];
    /**
     * Runs one part of the removal. Answers whether it is finished; unreachable counts as finished once time is over, and then a
     * cluster is not asked again.
     */
    const attempt = async (
      cluster: string,
      whatIsLeft: (error: ProvisionerError) => Leftover[],
      work: () => Promise<boolean>,
    ): Promise<boolean> => {
      if (givenUp.has(cluster)) return true;
      const client = clients.get(cluster);
      try {
        if (isOver && client !== undefined) await assertAnswers(client, scope.signal);
        if (await work()) return true;
        waiting.push({
          type,
          status: "False",
          reason: "Ending",
          message: `The revision's pods and namespace in istiod cluster ${scope.istiodCluster.name} are ending.`,
        });
        return false;
      } catch (error) {
        if (!(error instanceof ProvisionerError)) throw error;
        waiting.push({
          type,
          status: error.kind === "user" ? "False" : "Unknown",
          reason: error.code,
          message: error.message,
        });
        if (!isOver || ownEndCodes.has(error.code)) return false;
        givenUp.set(cluster, error.message);
        for (const leftover of whatIsLeft(error))
          if (!leftovers.some((known) => known.command === leftover.command)) leftovers.push(leftover);
        return true;
      }
    };
    let isLast = false;
    const listKept = (): string[] => [
      "Istio's CustomResourceDefinitions, and with them every Istio object",
      ...(request.removeCertificateAuthority === true && isLast
        ? []
        : [`Secret ${istioSystem}/${caSecretName}, the mesh's certificate authority`]),
    ];
    const answer = (done: boolean): RemovalResult => ({
      done,
      kept: listKept(),
      leftovers: done ? leftovers : [],
      conditions: [done ? concludeRemoval(scope, givenUp) : (waiting.at(-1) ?? concludeRemoval(scope, givenUp))],
      ...(done
        ? {}
        : { requeueAfterMs: waiting.every((condition) => condition.reason === "Ending") ? endingIntervalMs : 2_000 }),
    });
    const meshLeft = (): Leftover[] => listMeshLeftovers(scope, request.removeCertificateAuthority ?? false);
    const istiodLeft = ({ code }: ProvisionerError): Leftover[] =>
      code === "NamespaceNotOurs"
        ? []
        : [
            {
              cluster: scope.istiodCluster.name,
              what: `Namespace ${scope.revision.id}`,
              command: `kubectl delete namespace ${scope.revision.id} --ignore-not-found`,
            },
          ];

    const { id, version } = scope.revision;
    const half = { client: scope.meshClient, clusterId: scope.mesh.id, revisionId: id, line: version.line };
    let hadWebhooks = false;
    const areWebhooksGone = await attempt(scope.mesh.id, meshLeft, async () => {
      hadWebhooks = await removeWebhooks(half);
      scope.step("webhooksRemoved");
      return true;
    });
    if (!areWebhooksGone) return answer(false);
    if (hadWebhooks) {
      // API servers hear of it by a watch, each at its own time; until then they still call istiod.
      const message = "The mesh cluster's API servers are letting go of the revision's webhooks.";
      waiting.push({ type, status: "False", reason: "WebhooksEnding", message });
      return { ...answer(false), requeueAfterMs: webhooksEndMs };
    }
    const isWithdrawn = await attempt(
      "dns",
      () => [
        {
          cluster: "dns",
          what: `Record ${scope.hostname}`,
          command: `withdraw ${scope.hostname} from the provider's DNS`,
        },
      ],
      async () => {
        await scope.dns.withdraw(scope.hostname, scope.deadline);
        scope.step("recordWithdrawn");
        return true;
      },
    );
    if (!isWithdrawn) return answer(false);
    let ending: KubeObject | undefined;
    const isIstiodGone = await attempt(scope.istiodCluster.name, istiodLeft, async () => {
      const { namespace, pods } = await endHosted(scope);
      for (const pod of pods) assertEnds(scope, pod);
      if (pods.length > 0) return false;
      ending = namespace;
      scope.step("istiodRemoved");
      return true;
    });
    if (!isIstiodGone) return answer(false);
    const isMeshClean = await attempt(scope.mesh.id, meshLeft, async () => {
      await removeIdentity(half);
      scope.step("identityRemoved");
      // After its own identity, so that of two last revisions that go at once one sees that nobody is left.
      isLast = await isLastRevision(half);
      await removeLeftovers(half, isLast, request.removeCertificateAuthority ?? false);
      scope.step("leftoversRemoved");
      return true;
    });
    if (!isMeshClean) return answer(false);
    const isAllGone = await attempt(scope.istiodCluster.name, istiodLeft, async () => {
      if (ending !== undefined) {
        assertEnds(scope, ending);
        return false;
      }
      scope.step("namespaceRemoved");
      return true;
    });
    return answer(isAllGone);
  });
}

/** @param givenUp clusters that the removal ended without, each with the reason */
function concludeRemoval(scope: RevisionScope, givenUp: Map<string, string>): Condition {
  if (givenUp.size === 0) {
    return {
      type,
      status: "True",
      reason: "Removed",
      message: `Nothing of revision ${scope.revision.id} is left but what is kept on purpose.`,
    };
  }
  const clusters = [...givenUp.keys()].join(" and ");
  return {
    type,
    status: "False",
    reason: "LeftBehind",
    message: `The removal ended without ${clusters}, as it could not be finished there in time: ${[...givenUp.values()].join(" ")} What is left there is listed with the commands that remove it.`,
  };
}
