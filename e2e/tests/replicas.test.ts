import {
  createDeadline,
  type KubeClient,
  type KubeObject,
  type MeshCluster,
  ProvisionerError,
  reconcileRevision,
  type RevisionRequest,
} from "@pilothouse/provisioner";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { reconcileUntilReady, removeUntilDone } from "../src/reconcile-loop.ts";
import { adminClient, connectMesh, describeRevision, disconnectMesh } from "./support/mesh.ts";
import { type PodTraffic, startPodTraffic, wasCut } from "./support/pod-traffic.ts";

type Request = Omit<RevisionRequest, "deadline">;

const id = "pair";
const budgetKind = { apiVersion: "policy/v1", kind: "PodDisruptionBudget" };

let mesh: MeshCluster;
let shop: KubeClient;
let host: KubeClient;
let pair: Request;
let traffic: PodTraffic | undefined;

beforeAll(async () => {
  [shop, mesh] = await Promise.all([adminClient("shop"), connectMesh("shop")]);
  const single = await describeRevision(mesh, "1.32", id);
  pair = { ...single, revision: { ...single.revision, replicas: 2 } };
  host = await adminClient(pair.istiodCluster.name);
});

afterAll(async () => {
  await traffic?.stop();
  await removeUntilDone({ ...pair, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 60_000 });
  await disconnectMesh(mesh);
});

const PodSchema = z.looseObject({
  status: z.looseObject({
    phase: z.string(),
    conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).default([]),
  }),
});

/** The pods but those whose program has ended: they are listed until the kubelet has put them away. */
async function listPods(): Promise<KubeObject[]> {
  const pods = await host.list({ apiVersion: "v1", kind: "Pod" }, { namespace: id });
  return pods.filter((pod) => !["Succeeded", "Failed"].includes(PodSchema.parse(pod).status.phase));
}

const isReady = (pod: KubeObject): boolean =>
  PodSchema.parse(pod).status.conditions.some(({ type, status }) => type === "Ready" && status === "True");

const uidsOf = (pods: KubeObject[]): string[] => pods.map(({ metadata }) => metadata.uid ?? "").toSorted();

async function readPodSpec(): Promise<unknown> {
  const deployment = await host.get({ apiVersion: "apps/v1", kind: "Deployment", namespace: id, name: "istiod" });
  return z.looseObject({ template: z.object({ spec: z.unknown() }) }).parse(deployment?.["spec"]).template.spec;
}

/** Asks for the eviction of a pod, as the drain of a node does. Answers the code of the refusal, if it is refused. */
async function evict(pod: KubeObject | undefined): Promise<string | undefined> {
  const metadata = { name: pod?.metadata.name ?? "", namespace: id };
  const path = `/api/v1/namespaces/${id}/pods/${metadata.name}/eviction`;
  try {
    await host.request("POST", path, { apiVersion: "policy/v1", kind: "Eviction", metadata });
    return undefined;
  } catch (error) {
    if (error instanceof ProvisionerError) return error.code;
    throw error;
  }
}

test("two replicas are Ready when both run, spread where there is room, with a budget for disruptions", async () => {
  await reconcileUntilReady(pair, { timeoutMs: 60_000 });
  expect((await listPods()).map(isReady)).toEqual([true, true]);
  traffic = await startPodTraffic(shop, id);
  expect(await readPodSpec()).toMatchObject({
    topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map((topologyKey) => ({
      topologyKey,
      maxSkew: 1,
      whenUnsatisfiable: "ScheduleAnyway",
    })),
  });
  const readBudget = async (): Promise<unknown> =>
    (await host.get({ ...budgetKind, namespace: id, name: "istiod" }))?.["status"];
  await expect
    .poll(readBudget, { timeout: 10_000 })
    .toMatchObject({ expectedPods: 2, currentHealthy: 2, disruptionsAllowed: 1 });
});

test("one replica may be taken away and not both; until it is back the revision is not Ready", async () => {
  const [one, other] = await listPods();
  expect(await evict(one)).toBeUndefined();
  expect(await evict(other)).toBe("TooManyRequests");
  const { conditions } = await reconcileRevision({ ...pair, deadline: createDeadline(60_000) });
  expect(conditions.find(({ type }) => type === "Ready")?.status).toBe("False");
  const available = conditions.find(({ type }) => type === "IstiodAvailable");
  expect(available?.status).toBe("False");
  expect(["NotReady", "OldPodsEnding"]).toContain(available?.reason);
  await reconcileUntilReady(pair, { timeoutMs: 60_000 });
  const pods = await listPods();
  expect(pods.map(isReady)).toEqual([true, true]);
  expect(uidsOf(pods)).toContain(other?.metadata.uid);
});

test("a changed setting, and then one replica instead of two, roll out while pods start at every moment", async () => {
  const before = uidsOf(await listPods());
  const changed = { ...pair, provider: { ...pair.provider, plainEnvoy: false } };
  await reconcileUntilReady(changed, { timeoutMs: 90_000 });
  const rolled = await listPods();
  expect(rolled.map(isReady)).toEqual([true, true]);
  expect(uidsOf(rolled).filter((uid) => before.includes(uid))).toEqual([]);

  await reconcileUntilReady({ ...changed, revision: { ...changed.revision, replicas: 1 } }, { timeoutMs: 90_000 });
  expect((await listPods()).map(isReady)).toEqual([true]);
  expect(await host.list(budgetKind, { namespace: id })).toEqual([]);
  expect(await readPodSpec()).not.toHaveProperty("topologySpreadConstraints");

  const attempts = (await traffic?.stop()) ?? [];
  const failed = attempts.filter(({ error }) => error !== undefined);
  expect(failed.filter((attempt) => !wasCut(attempt))).toEqual([]);
  // An istiod that ends cuts the call that it is answering, if there is one. Four ended: one evicted, two replaced, one too many.
  expect(failed.length).toBeLessThanOrEqual(4);
  expect(attempts.length).toBeGreaterThan(50);
  for (const namespace of ["labelled", "plain"]) {
    const answered = attempts.filter((attempt) => attempt.namespace === namespace && attempt.error === undefined);
    const sidecars = answered.map(({ sidecar }) => sidecar);
    expect(new Set(sidecars)).toEqual(new Set([namespace === "labelled"]));
  }
});
