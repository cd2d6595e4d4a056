import { setTimeout as sleep } from "node:timers/promises";
import type { KubeClient, KubeObject, MeshCluster, RevisionRequest, RevisionResult } from "@pilothouse/provisioner";
import { afterAll, beforeAll, expect, onTestFailed, test } from "vitest";
import { z } from "zod";
import { findIstiodCluster } from "../src/ground.ts";
import { reconcileUntilReady, removeUntilDone } from "../src/reconcile-loop.ts";
import { blockWayTo } from "./support/backbone-fault.ts";
import { adminClient, connectMesh, describeRevision, disconnectMesh } from "./support/mesh.ts";
import { type PodAttempt, type PodTraffic, startPodTraffic } from "./support/pod-traffic.ts";
import { readTestGround, testFleet } from "./support/test-fleet.ts";

/** How long pods are watched before, after, and while nothing happens, in milliseconds. */
const quietMs = 1_500;

let mesh: MeshCluster;
let shop: KubeClient;

beforeAll(async () => {
  [shop, mesh] = await Promise.all([adminClient("shop"), connectMesh("shop")]);
});

afterAll(async () => {
  await disconnectMesh(mesh);
});

type Request = Omit<RevisionRequest, "deadline">;

async function remove(request: Request): Promise<void> {
  await removeUntilDone({ ...request, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 60_000 });
}

/** Starts pods for a revision; when the test fails on its way, both are taken away. */
async function prepare(request: Request): Promise<PodTraffic> {
  const traffic = await startPodTraffic(shop, request.revision.id);
  onTestFailed(async () => {
    await traffic.stop();
    await remove(request);
  });
  return traffic;
}

/** Every pod was let in, soon, and there was none at no time. */
function expectNoRefusal(attempts: PodAttempt[]): void {
  expect(attempts.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(Math.max(...attempts.map(({ latencyMs }) => latencyMs))).toBeLessThan(5_000);
  for (const namespace of ["labelled", "plain"]) {
    const times = attempts.filter((attempt) => attempt.namespace === namespace).map(({ atMs }) => atMs);
    times.sort((a, b) => a - b);
    const pauses = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
    expect(Math.max(...pauses)).toBeLessThan(2_000);
  }
}

/** Which of the pods of a period and a namespace came back with a sidecar. */
function listSidecars(attempts: PodAttempt[], namespace: string, fromMs: number, untilMs: number): boolean[] {
  const found = attempts
    .filter((attempt) => attempt.namespace === namespace)
    .filter(({ atMs, latencyMs }) => atMs >= fromMs && atMs + latencyMs < untilMs)
    .map(({ sidecar }) => sidecar);
  expect(found.length).toBeGreaterThan(3);
  return [...new Set(found)];
}

const WebhooksSchema = z.object({
  webhooks: z.array(
    z.object({
      namespaceSelector: z.object({
        matchExpressions: z
          .array(z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()).default([]) }))
          .default([]),
      }),
    }),
  ),
});

/** Whether each of the revision's webhooks holds for the probe's namespace alone. */
async function listLimits(revision: string): Promise<boolean[]> {
  const kinds = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
  const configurations = await Promise.all(
    kinds.map((kind) =>
      shop.list({ apiVersion: "admissionregistration.k8s.io/v1", kind }, { labelSelector: `istio.io/rev=${revision}` }),
    ),
  );
  return configurations
    .flat()
    .flatMap((configuration: KubeObject) => WebhooksSchema.parse(configuration).webhooks)
    .map(({ namespaceSelector }) =>
      namespaceSelector.matchExpressions.some(
        ({ key, operator, values }) =>
          key === "kubernetes.io/metadata.name" && operator === "In" && values.join(",") === "pilothouse-probe",
      ),
    );
}

/** What the API server says to an Istio object of the revision that only istiod can see is invalid. Nothing is stored. */
async function createInvalidObject(revision: string, namespace: string): Promise<string> {
  const host = "nowhere.test";
  const object = {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "VirtualService",
    metadata: { name: "invalid", namespace, labels: { "istio.io/rev": revision } },
    spec: { hosts: [host], http: [{ route: [{ destination: { host }, weight: -20 }] }] },
  };
  return shop.create(object, { dryRun: true }).then(() => "taken", String);
}

test("pods start at every moment of a revision's making and removal, with the sidecar once it is Ready", async () => {
  const request = await describeRevision(mesh, "1.22", "throughout");
  const traffic = await prepare(request);
  const startedMs = Date.now();
  await sleep(quietMs);
  const provisionMs = Date.now();
  await reconcileUntilReady(request, { timeoutMs: 60_000 });
  const readyMs = Date.now();
  expect(new Set(await listLimits(request.revision.id))).toEqual(new Set([false]));
  expect(await createInvalidObject(request.revision.id, "default")).toContain("weight -20 < 0");
  await sleep(quietMs);
  const removalMs = Date.now();
  await remove(request);
  const removedMs = Date.now();
  await sleep(quietMs);
  const attempts = await traffic.stop();

  expectNoRefusal(attempts);
  expect(listSidecars(attempts, "labelled", startedMs, provisionMs)).toEqual([false]);
  expect(listSidecars(attempts, "labelled", readyMs, removalMs)).toEqual([true]);
  expect(listSidecars(attempts, "labelled", removedMs, Number.POSITIVE_INFINITY)).toEqual([false]);
  expect(listSidecars(attempts, "plain", startedMs, Number.POSITIVE_INFINITY)).toEqual([false]);
});

test("while the edge is down, or the API server can't reach it, no webhook holds for the tenant's pods; then all do", async () => {
  const ground = await readTestGround();
  // That of another region, of which no other test has need.
  const istiodCluster = await findIstiodCluster(ground, "1.32", "us-1");
  const edge = `${istiodCluster.name}/edge`;
  const request = { ...(await describeRevision(mesh, "1.32", "cut-off")), istiodCluster };
  const traffic = await prepare(request);
  let last: RevisionResult | undefined;
  const find = (type: string) => last?.conditions.find((condition) => condition.type === type);
  const unblock = await blockWayTo(istiodCluster.edgeAddresses[0] ?? "", 443);
  let isBlocked = true;
  try {
    await testFleet.run(["kill", edge]);
    const becomesReady = reconcileUntilReady(request, { timeoutMs: 120_000, onLook: (result) => void (last = result) });
    becomesReady.catch(() => undefined);
    await expect
      .poll(() => find("EndpointProven"), { timeout: 60_000 })
      .toMatchObject({ status: "False", reason: "ConnectionRefused" });
    expect(find("Ready")).toMatchObject({ status: "False", reason: "ConnectionRefused" });
    await sleep(quietMs);
    expect(await listLimits(request.revision.id)).toEqual([]);

    await testFleet.run(["start", edge]);
    await expect
      .poll(() => find("WebhooksInstalled"), { timeout: 60_000 })
      .toMatchObject({ status: "False", reason: "WebhookUnreachable" });
    expect(find("WebhooksInstalled")?.message).toMatch(/hold for namespace pilothouse-probe only.*there is no way/);
    expect(find("Ready")).toMatchObject({ status: "False", reason: "WebhookUnreachable" });
    await sleep(quietMs);
    const limits = await listLimits(request.revision.id);
    expect(limits.length).toBeGreaterThan(2);
    expect(new Set(limits)).toEqual(new Set([true]));

    await unblock();
    isBlocked = false;
    await becomesReady;
    const readyMs = Date.now();
    expect(new Set(await listLimits(request.revision.id))).toEqual(new Set([false]));
    await sleep(quietMs);
    const removalMs = Date.now();
    await remove(request);
    const attempts = await traffic.stop();
    expectNoRefusal(attempts);
    expect(listSidecars(attempts, "labelled", readyMs, removalMs)).toEqual([true]);
    expect(listSidecars(attempts, "plain", 0, Number.POSITIVE_INFINITY)).toEqual([false]);
  } finally {
    if (isBlocked) await unblock();
  }
});
