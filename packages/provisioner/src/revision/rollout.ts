import { z } from "zod";
import { configHashAnnotation, istiodName } from "../istio/names.ts";
import type { KubeObject } from "../kube/types.ts";
import type { PhaseResult, RevisionScope } from "./scope.ts";

const type = "IstiodAvailable";

/** How soon to look again while istiod starts: it takes 1 to 3 s, so this adds a tenth at the most. In milliseconds. */
const startingIntervalMs = 150;

const PodSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    deletionTimestamp: z.string().optional(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  status: z
    .looseObject({
      phase: z.string().optional(),
      conditions: z
        .array(z.looseObject({ type: z.string(), status: z.string(), message: z.string().optional() }))
        .default([]),
      containerStatuses: z
        .array(
          z.looseObject({
            restartCount: z.int(),
            state: z
              .looseObject({
                waiting: z.looseObject({ reason: z.string().optional(), message: z.string().optional() }).optional(),
              })
              .default({}),
          }),
        )
        .default([]),
    })
    .default({ conditions: [], containerStatuses: [] }),
});

type Pod = z.infer<typeof PodSchema>;

const isReady = (pod: Pod): boolean =>
  pod.status.conditions.some((condition) => condition.type === "Ready" && condition.status === "True");

/** Reasons for which a container waits that do not pass by themselves. */
const stuckReasons = new Set([
  "ErrImageNeverPull",
  "ErrImagePull",
  "ImagePullBackOff",
  "CrashLoopBackOff",
  "CreateContainerConfigError",
  "InvalidImageName",
]);

function describeWaiting(scope: RevisionScope, pods: Pod[], old: Pod[]): PhaseResult {
  const inspect = `kubectl -n ${scope.revision.id} describe pods`;
  const notReady = (reason: string, message: string, requeueAfterMs: number): PhaseResult => ({
    condition: { type, status: "False", reason, message },
    requeueAfterMs,
    blocks: true,
  });
  for (const pod of pods) {
    const waiting = pod.status.containerStatuses.find((container) =>
      stuckReasons.has(container.state.waiting?.reason ?? ""),
    )?.state.waiting;
    if (waiting !== undefined) {
      const words = `istiod can't start: ${waiting.reason ?? ""}${waiting.message === undefined ? "" : `: ${waiting.message}`}. Look at it in istiod cluster ${scope.istiodCluster.name}: ${inspect}`;
      return notReady("ContainerStuck", words, 2_000);
    }
    const unscheduled = pod.status.conditions.find(
      (condition) => condition.type === "PodScheduled" && condition.status === "False",
    );
    if (unscheduled !== undefined) {
      return notReady(
        "Unschedulable",
        `istiod finds no place in istiod cluster ${scope.istiodCluster.name}: ${unscheduled.message ?? ""}`,
        2_000,
      );
    }
  }
  if (pods.length === 0) return notReady("Starting", "istiod is being started.", startingIntervalMs);
  if (pods.filter(isReady).length < scope.revision.replicas) {
    return notReady(
      "NotReady",
      `istiod runs and is not ready yet: it is reading the mesh cluster. If this stays, its log says why: kubectl -n ${scope.revision.id} logs deployment/istiod`,
      startingIntervalMs,
    );
  }
  return notReady("OldPodsEnding", `${old.length} pods with an earlier configuration are ending.`, 500);
}

/**
 * Whether istiod is rolled out: all replicas run with the wanted configuration and are ready, and no pod with another one is left.
 * A Deployment's own status leaves out pods that are ending.
 */
export async function checkRollout(scope: RevisionScope, configHash: string): Promise<PhaseResult> {
  const found: KubeObject[] = await scope.istiodClient.list(
    { apiVersion: "v1", kind: "Pod" },
    { namespace: scope.revision.id, labelSelector: `app=${istiodName}` },
  );
  // An evicted pod stays listed, Failed, until something collects it; it neither serves nor comes back.
  const pods = found
    .map((pod) => PodSchema.parse(pod))
    .filter((pod) => pod.status.phase !== "Failed" && pod.status.phase !== "Succeeded");
  const isCurrent = (pod: Pod): boolean =>
    pod.metadata.annotations[configHashAnnotation] === configHash && pod.metadata.deletionTimestamp === undefined;
  const current = pods.filter(isCurrent);
  const old = pods.filter((pod) => !isCurrent(pod));
  if (old.length > 0 || current.length !== scope.revision.replicas || !current.every(isReady))
    return describeWaiting(scope, current, old);
  const replicas = scope.revision.replicas === 1 ? "istiod is" : `${scope.revision.replicas} replicas of istiod are`;
  return {
    condition: {
      type,
      status: "True",
      reason: "RolledOut",
      message: `${replicas} ready in istiod cluster ${scope.istiodCluster.name}.`,
    },
  };
}
