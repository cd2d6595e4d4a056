import { setTimeout as sleep } from "node:timers/promises";
import type { KubeClient, MeshCluster } from "@pilothouse/provisioner";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reconcileUntilReady, removeUntilDone } from "../src/reconcile-loop.ts";
import { listDnsRecords } from "./support/dns-records.ts";
import { adminClient, connectMesh, describeRevision, disconnectMesh, runCommands } from "./support/mesh.ts";
import { compareObjects, listAllObjects } from "./support/objects.ts";
import { overlap } from "./support/overlap.ts";
import { startWorker } from "./support/run-worker.ts";
import { testFleet } from "./support/test-fleet.ts";

const hosts = { "1.22": "istiod-eu-1-a", "1.32": "istiod-eu-1-b" } as const;
const giveUpSoon = (): number => Date.now() + 60_000;

let mesh: MeshCluster;
let shop: KubeClient;

/** Steps behind which a write comes that would succeed after the removal: into the mesh cluster, into DNS, and of webhooks. */
const pausedSteps = ["isolationApplied", "rolledOut", "endpointProven", "webhooksTried"] as const;

/** All go on side by side, for most of the time is waiting until a deadline has passed. */
let paused: Map<string, ReturnType<typeof pauseAfter>>;
/** Settled when the process of a step is stopped, or will not be. */
const stopped = new Map(pausedSteps.map((step) => [step, Promise.withResolvers<void>()]));
/** In the other mesh cluster, while the processes are stopped. */
let abandoned: ReturnType<typeof removeWithoutApiServer>;

beforeAll(async () => {
  shop = await adminClient("shop");
  mesh = await connectMesh("shop");
  paused = overlap(pausedSteps, pausedSteps.length, (step) => pauseAfter(step).finally(stopped.get(step)?.resolve));
  abandoned = Promise.all([...stopped.values()].map(({ promise }) => promise)).then(removeWithoutApiServer);
  // A failure is the failure of the test that waits for it.
  void Promise.allSettled([abandoned]);
});

afterAll(async () => {
  await Promise.allSettled([...paused.values(), abandoned]);
  await disconnectMesh(mesh);
});

/** Stops a process after a step until its deadline has passed, has another remove the revision meanwhile, and lets the process go on. */
async function pauseAfter(step: (typeof pausedSteps)[number]) {
  const revision = `paused-${step.toLowerCase()}`;
  const host = await adminClient(hosts["1.32"]);
  const request = await describeRevision(mesh, "1.32", revision);
  const deadlineMs = 25_000;
  const worker = startWorker({
    verb: "reconcile",
    cluster: "shop",
    line: "1.32",
    revision,
    mesh,
    stopAfter: step,
    signal: "SIGSTOP",
    deadlineMs,
  });
  await worker.reached(step);
  // Its deadline began before this.
  const stoppedMs = performance.now();
  stopped.get(step)?.resolve();
  const { leftovers } = await removeUntilDone({ ...request, giveUpAtMs: giveUpSoon() }, { timeoutMs: 60_000 });
  await sleep(Math.max(0, deadlineMs + 500 - (performance.now() - stoppedMs)));
  const listOurs = async (): Promise<string[]> => {
    const found = await Promise.all([listAllObjects(shop), listAllObjects(host), listDnsRecords()]);
    return found.flat().filter((name) => name.includes(revision));
  };
  const removed = await listOurs();
  worker.signal("SIGCONT");
  const { code } = await worker.ended;
  return { leftovers, removed, code, afterwards: await listOurs() };
}

test.each(pausedSteps)(
  "a process stopped after %s until its deadline has passed writes nothing when it goes on after a removal by another",
  async (step) => {
    expect(await paused.get(step)).toEqual({ leftovers: [], removed: [], code: 1, afterwards: [] });
  },
);

/** Removes a revision while its mesh cluster's API server is stopped, and then what is left, by the commands that the removal names. */
async function removeWithoutApiServer() {
  const pay = await connectMesh("pay");
  const before = await listAllObjects(await adminClient("pay"));
  const request = await describeRevision(pay, "1.32", "abandoned");
  await reconcileUntilReady(request, { timeoutMs: 60_000 });
  await testFleet.run(["kill", "pay/kube-apiserver"]);
  const startedMs = performance.now();
  const removed = await removeUntilDone({ ...request, giveUpAtMs: Date.now() + 6_000 }, { timeoutMs: 60_000 });
  const elapsedMs = performance.now() - startedMs;
  const host = await adminClient(hosts["1.32"]);
  const namespace = await host.get({ apiVersion: "v1", kind: "Namespace", name: "abandoned" });

  await testFleet.run(["start", "pay/kube-apiserver"]);
  await testFleet.run(["up"]);
  const inPay = removed.leftovers.filter((leftover) => leftover.cluster === "pay");
  await runCommands(
    "pay",
    inPay.map((leftover) => leftover.command),
  );
  const { added } = compareObjects(before, await listAllObjects(await adminClient("pay")));
  await disconnectMesh(pay);
  return { reason: removed.conditions[0]?.reason, leftInPay: inPay.length, elapsedMs, namespace, added };
}

test("with the mesh cluster's API server stopped, a removal ends in time, says what is left, and its commands remove it", async () => {
  const { reason, leftInPay, elapsedMs, namespace, added } = await abandoned;
  expect(elapsedMs).toBeLessThan(30_000);
  expect(reason).toBe("LeftBehind");
  expect(leftInPay).toBeGreaterThan(0);
  expect(namespace).toBeUndefined();
  expect(added.filter((name) => !/CustomResourceDefinition|APIService .*istio.io|istio-ca-secret/.test(name))).toEqual(
    [],
  );
});
