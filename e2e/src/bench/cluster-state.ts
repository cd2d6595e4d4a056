import { setTimeout as sleep } from "node:timers/promises";
import type { KubeClient, KubeObject } from "@pilothouse/provisioner";
import { compareObjects, listAllObjects } from "../../tests/support/objects.ts";

const definitionKind = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" };
const settleLimitMs = 90_000;
const settleIntervalMs = 500;
/** Where Pilothouse's prober has its probes; connecting makes both. */
const probeName = "pilothouse-probe";

/** The clusters of a comparison, as their administrators see them, and the name of the mesh cluster. */
export interface ClusterPair {
  meshName: string;
  mesh: KubeClient;
  istiod: KubeClient;
}

/** All objects in both clusters, by name and UID. */
export type PairState = Record<"mesh" | "istiod", string[]>;

/** Lists everything in both clusters. */
export async function readPairState({ mesh, istiod }: ClusterPair): Promise<PairState> {
  const [ofMesh, ofIstiod] = await Promise.all([listAllObjects(mesh), listAllObjects(istiod)]);
  return { mesh: ofMesh, istiod: ofIstiod };
}

function describeDifferences(before: PairState, after: PairState): string[] {
  return (["mesh", "istiod"] as const).flatMap((side) => {
    const { gone, added } = compareObjects(before[side], after[side]);
    return [
      ...gone.map((name) => `${side} cluster lacks ${name}`),
      ...added.map((name) => `${side} cluster has ${name}`),
    ];
  });
}

/**
 * Waits until both clusters hold what they held before, so that every run starts from the same state.
 *
 * @param isExpected differences that count for none
 * @throws Error that lists what differs after 90 s
 */
export async function waitForState(
  pair: ClusterPair,
  before: PairState,
  isExpected = (_difference: string): boolean => false,
): Promise<PairState> {
  const endMs = performance.now() + settleLimitMs;
  for (;;) {
    const after = await readPairState(pair);
    const differences = describeDifferences(before, after).filter((difference) => !isExpected(difference));
    if (differences.length === 0) return after;
    if (performance.now() > endMs) {
      throw new Error(
        `the clusters differ from before the run, so the next one would not start equal:\n  ${differences.join("\n  ")}\nNothing else may use them meanwhile.`,
      );
    }
    await sleep(settleIntervalMs);
  }
}

/** What stays on purpose when a revision is removed, by hand and by Pilothouse: definitions, and istio-system with the certificate authority. */
export function isKeptOnPurpose(difference: string): boolean {
  return /^mesh cluster has (apiextensions\.k8s\.io\/v1 CustomResourceDefinition \S+\.istio\.io|apiregistration\.k8s\.io\/v1 APIService \S+\.istio\.io|v1 Namespace istio-system|v1 Secret istio-system\/istio-ca-secret|v1 ServiceAccount istio-system\/default|v1 ConfigMap istio-system\/kube-root-ca\.crt) \S+$/.test(
    difference,
  );
}

async function listDefinitions({ mesh }: ClusterPair): Promise<KubeObject[]> {
  return (await mesh.list(definitionKind)).filter(({ metadata }) => metadata.name.endsWith(".istio.io"));
}

/** Tells whether definitions were written in between: each with the version of its last write. */
export async function readDefinitionVersions(pair: ClusterPair): Promise<string> {
  return (await listDefinitions(pair))
    .map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion ?? ""}`)
    .join("\n");
}

/**
 * Makes a mesh cluster ready to be measured: without Istio's definitions, which another line may have left.
 *
 * @throws Error when it is connected, or holds Istio objects
 */
export async function clearMeshCluster(pair: ClusterPair): Promise<void> {
  const { mesh, meshName } = pair;
  const namespaces = (await mesh.list({ apiVersion: "v1", kind: "Namespace" })).map(({ metadata }) => metadata.name);
  const used = namespaces.filter((name) => name.startsWith("pilothouse-"));
  if (used.length > 0) {
    throw new Error(
      `${meshName} is connected already (it has ${used.join(" and ")}). Take its control planes away (npm run main-job -- --version LINE --remove), choose another with --cluster, or start afresh: npm run fleet -- down --wipe`,
    );
  }
  const objects = (await listAllObjects(mesh)).filter((name) => /^[a-z]+\.istio\.io\//.test(name));
  if (objects.length > 0) {
    throw new Error(
      `${meshName} holds Istio objects, which would go with the definitions: ${objects.slice(0, 5).join(", ")}. Choose another cluster with --cluster.`,
    );
  }
  const definitions = await listDefinitions(pair);
  await Promise.all(definitions.map(({ metadata }) => mesh.delete({ ...definitionKind, name: metadata.name })));
  // The API server serves the kinds a moment longer than their definitions are there.
  await waitUntil(
    async () => !/"[a-z]+\.istio\.io"/.test(JSON.stringify(await mesh.request("GET", "/apis"))),
    "Istio's kinds are gone",
  );
}

async function waitUntil(isDone: () => Promise<boolean>, what: string): Promise<void> {
  const endMs = performance.now() + settleLimitMs;
  while (!(await isDone())) {
    if (performance.now() > endMs) throw new Error(`waited ${settleLimitMs / 1000} s in vain until ${what}`);
    await sleep(settleIntervalMs);
  }
}

/** Gives the prober its place in a mesh cluster that Pilothouse is not connected to. */
export async function createProbePlace({ mesh }: ClusterPair): Promise<void> {
  await mesh.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: probeName } });
  await mesh.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: probeName, namespace: probeName } });
}

/** Takes it away again. */
export async function removeProbePlace({ mesh }: ClusterPair): Promise<void> {
  await mesh.delete({ apiVersion: "v1", kind: "Namespace", name: probeName });
}
