import type { KubeClient, KubeObject } from "@pilothouse/provisioner";
import { z } from "zod";
import { waitFor } from "./wait-for.ts";

/**
 * What the API server says of a call to a webhook that was in flight when the process at the other end was gone
 * (docs/decisions/0012-calls-in-flight-when-istiod-ends.md).
 */
const cutCall =
  /failed to call webhook: .*(?:EOF|connection reset by peer|client connection lost|use of closed network connection)/u;

/** Whether an attempt failed because the istiod that was answering it ended. */
export const wasCut = ({ error }: PodAttempt): boolean => error !== undefined && cutCall.test(error);

/** Two namespaces of a mesh cluster in which pods come and go: one is labelled for the revision, one not. */
const kinds = ["labelled", "plain"] as const;

type NamespaceKind = (typeof kinds)[number];

const nameNamespace = (revision: string, kind: NamespaceKind): string => `traffic-${revision}-${kind}`;

/** Five pods a second in each namespace. */
const intervalMs = 200;

/** One pod that was created, stored or as a dry run, and when stored removed again. */
export interface PodAttempt {
  namespace: NamespaceKind;
  dryRun: boolean;
  /** When it was asked for, in milliseconds since 1970. */
  atMs: number;
  /** From the request to the API server's answer. */
  latencyMs: number;
  /** Whether it came back with a sidecar. */
  sidecar: boolean;
  /** What the API server or the connection said when it was refused. */
  error?: string;
}

/** Pods that come and go until they are stopped. */
export interface PodTraffic {
  /** The pods so far that were answered. */
  attempts: PodAttempt[];
  /** Ends it, begins the removal of the namespaces, and answers all pods. */
  stop(): Promise<PodAttempt[]>;
}

const ContainersSchema = z.array(z.object({ name: z.string() })).default([]);
const PodSchema = z.object({ containers: ContainersSchema, initContainers: ContainersSchema });

const hasSidecar = (pod: KubeObject): boolean => {
  const { containers, initContainers } = PodSchema.parse(pod["spec"]);
  return [...containers, ...initContainers].some(({ name }) => name === "istio-proxy");
};

const describePod = (namespace: string, name: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace },
  spec: { containers: [{ name: "application", image: "pilothouse.invalid/application" }] },
});

async function createPod(
  client: KubeClient,
  place: { kind: NamespaceKind; name: string },
  index: number,
): Promise<PodAttempt> {
  const dryRun = index % 2 === 1;
  const pod = describePod(place.name, `pod-${index}`);
  const atMs = Date.now();
  const startedMs = performance.now();
  const describe = (sidecar: boolean): PodAttempt => ({
    namespace: place.kind,
    dryRun,
    atMs,
    latencyMs: Math.round(performance.now() - startedMs),
    sidecar,
  });
  try {
    const answered = describe(hasSidecar(await client.create(pod, { dryRun })));
    const path = `/api/v1/namespaces/${place.name}/pods/pod-${index}`;
    if (!dryRun) await client.request("DELETE", path, { gracePeriodSeconds: 0 });
    return answered;
  } catch (error) {
    return { ...describe(false), error: String(error) };
  }
}

async function makeNamespace(client: KubeClient, name: string, labels: Record<string, string>): Promise<void> {
  await client.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
  const account = { apiVersion: "v1", kind: "ServiceAccount", namespace: name, name: "default" };
  await waitFor(`the account of namespace ${name}`, async () => (await client.get(account)) !== undefined, 20_000);
}

/** Starts pods in two namespaces of a mesh cluster, one of which is labelled for the revision. Half of the pods are dry runs. */
export async function startPodTraffic(client: KubeClient, revision: string): Promise<PodTraffic> {
  const places = kinds.map((kind) => ({ kind, name: nameNamespace(revision, kind) }));
  const removeNamespaces = async (): Promise<void> => {
    await Promise.all(places.map(({ name }) => client.delete({ apiVersion: "v1", kind: "Namespace", name })));
  };
  // A run that was killed may have left them.
  await removeNamespaces();
  for (const { name } of places) {
    const ref = { apiVersion: "v1", kind: "Namespace", name };
    await waitFor(`the end of namespace ${name}`, async () => (await client.get(ref)) === undefined, 60_000);
  }
  await Promise.all(
    places.map(({ kind, name }) =>
      makeNamespace(client, name, kind === "labelled" ? { "istio.io/rev": revision } : {}),
    ),
  );
  const attempts: PodAttempt[] = [];
  const running: Promise<void>[] = [];
  let index = 0;
  const timer = setInterval(() => {
    index += 1;
    for (const place of places)
      running.push(createPod(client, place, index).then((attempt) => void attempts.push(attempt)));
  }, intervalMs);
  return {
    attempts,
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
      await removeNamespaces();
      return attempts;
    },
  };
}
