import {
  connectSteps,
  disconnectSteps,
  type KubeClient,
  type MeshCluster,
  reconcileSteps,
  removeSteps,
} from "@pilothouse/provisioner";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reconcileUntilReady, removeUntilDone } from "../src/reconcile-loop.ts";
import { listDnsRecords } from "./support/dns-records.ts";
import { adminClient, connectMesh, describeRevision, disconnectMesh } from "./support/mesh.ts";
import { compareObjects, listAllObjects, noDifferences, type ObjectDifferences } from "./support/objects.ts";
import { overlap } from "./support/overlap.ts";
import { startWorker } from "./support/run-worker.ts";
import { lines } from "./support/test-fleet.ts";
import { waitFor } from "./support/wait-for.ts";

/** What a removal and a disconnection keep on purpose: the definitions of Istio's kinds (with the API groups they make), and the mesh's certificate authority in its namespace. */
const isKept = (name: string): boolean =>
  /(CustomResourceDefinition|APIService) .*\.istio\.io /.test(name) ||
  /^v1 (Secret istio-system\/istio-ca-secret|Namespace istio-system|ServiceAccount istio-system\/default|ConfigMap istio-system\/kube-root-ca\.crt) /.test(
    name,
  );

/** The definitions of Istio's kinds are brought to the line of the revision, and stay so. */
const isBroughtForward = (name: string): boolean => / CustomResourceDefinition .*\.istio\.io /.test(name);

/** What of a cluster is not as it was, save what is kept on purpose. */
function findTraces(before: string[], after: string[]): ObjectDifferences {
  const { gone, added, changed } = compareObjects(before, after);
  return {
    gone,
    added: added.filter((name) => !isKept(name)),
    changed: changed.filter((name) => !isBroughtForward(name)),
  };
}

/** How many of each kind a revision has in both clusters. */
async function countObjects(shop: KubeClient, host: KubeClient, revision: string): Promise<Record<string, number>> {
  const count = async (
    client: KubeClient,
    [apiVersion, kind]: readonly [string, string],
    scope: { namespace: string; labelSelector?: string },
  ): Promise<number> => (await client.list({ apiVersion, kind }, scope)).length;
  const identity = { namespace: "pilothouse-system", labelSelector: `pilothouse.io/revision=${revision}` };
  const own = { namespace: revision };
  return {
    serviceAccounts: await count(shop, ["v1", "ServiceAccount"], identity),
    boundSecrets: await count(shop, ["v1", "Secret"], identity),
    hostSecrets: await count(host, ["v1", "Secret"], own),
    deployments: await count(host, ["apps/v1", "Deployment"], own),
    replicaSets: await count(host, ["apps/v1", "ReplicaSet"], own),
    configMaps: await count(host, ["v1", "ConfigMap"], own),
  };
}

const hostOf = (line: string): string => (line === "1.22" ? "istiod-eu-1-a" : "istiod-eu-1-b");

describe.each(lines)("line %s", (line) => {
  test("connect, provision, prove, remove and disconnect leave both clusters as they were", async () => {
    const shop = await adminClient("shop");
    const host = await adminClient(hostOf(line));
    const [shopBefore, hostBefore] = await Promise.all([listAllObjects(shop), listAllObjects(host)]);
    const recordsBefore = await listDnsRecords();

    const mesh = await connectMesh("shop");
    const request = await describeRevision(mesh, line, `clean-${line.replace(".", "-")}`);
    const { observed, conditions } = await reconcileUntilReady(request, { timeoutMs: 60_000 });
    expect(observed.proofs.map((proof) => [proof.name, proof.ok])).toEqual([
      ["admission", true],
      ["injection", true],
      ["certificate", true],
      ["discovery", true],
    ]);
    expect(conditions.every((condition) => condition.status === "True")).toBe(true);
    expect(await listDnsRecords()).toHaveLength(recordsBefore.length + request.istiodCluster.edgeAddresses.length);

    const removed = await removeUntilDone({ ...request, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 60_000 });
    expect(removed.leftovers).toEqual([]);
    await disconnectMesh(mesh);

    await expect
      .poll(async () => findTraces(shopBefore, await listAllObjects(shop)), { timeout: 30_000 })
      .toEqual(noDifferences);
    await expect
      .poll(async () => compareObjects(hostBefore, await listAllObjects(host)), { timeout: 30_000 })
      .toEqual(noDifferences);
    expect(await listDnsRecords()).toEqual(recordsBefore);
  });
});

describe("a process killed after any step", () => {
  const line = "1.32";
  let mesh: MeshCluster;
  let shop: KubeClient;
  let host: KubeClient;
  let before: { shop: string[]; host: string[]; records: string[] };
  let undisturbed: Promise<Record<string, number>>;
  /** Revisions whose making, and whose removal, is killed after a step: side by side, for most of the time is waiting. */
  let killed: Map<string, Promise<{ end: string | null; steps: string[]; counts: Record<string, number> }>>;
  let unmade: Map<string, Promise<{ end: string | null; leftovers: unknown[]; traces: string[] }>>;

  const makeUndisturbed = async (): Promise<Record<string, number>> => {
    const request = await describeRevision(mesh, line, "undisturbed");
    await reconcileUntilReady(request, { timeoutMs: 60_000 });
    const counts = await countObjects(shop, host, "undisturbed");
    await removeUntilDone({ ...request, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 60_000 });
    return counts;
  };

  const killReconcile = async (step: string) => {
    const revision = `killed-${step.toLowerCase()}`;
    const worker = startWorker({ verb: "reconcile", cluster: "shop", line, revision, mesh, stopAfter: step });
    const { signal } = await worker.ended;
    const request = await describeRevision(mesh, line, revision);
    await reconcileUntilReady(request, { timeoutMs: 60_000 });
    const counts = await countObjects(shop, host, revision);
    await removeUntilDone({ ...request, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 60_000 });
    return { end: signal, steps: worker.steps, counts };
  };

  const killRemoval = async (step: string) => {
    const revision = `unmade-${step.toLowerCase()}`;
    const request = await describeRevision(mesh, line, revision);
    await reconcileUntilReady(request, { timeoutMs: 60_000 });
    const worker = startWorker({ verb: "remove", cluster: "shop", line, revision, mesh, stopAfter: step });
    const { signal } = await worker.ended;
    const { leftovers } = await removeUntilDone({ ...request, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 60_000 });
    const [inShop, inHost, records] = await Promise.all([listAllObjects(shop), listAllObjects(host), listDnsRecords()]);
    const traces = [...inShop, ...inHost, ...records].filter((name) => name.includes(revision));
    return { end: signal, leftovers, traces };
  };

  beforeAll(async () => {
    [shop, host] = await Promise.all([adminClient("shop"), adminClient(hostOf(line))]);
    mesh = await connectMesh("shop");
    before = { shop: await listAllObjects(shop), host: await listAllObjects(host), records: await listDnsRecords() };
    undisturbed = makeUndisturbed();
    killed = overlap(reconcileSteps, 2, killReconcile);
    unmade = overlap(removeSteps, 2, killRemoval);
    void Promise.allSettled([undisturbed]);
  });

  afterAll(async () => {
    await Promise.allSettled([undisturbed, ...killed.values(), ...unmade.values()]);
    await disconnectMesh(mesh);
  });

  describe("a connection, meanwhile, to the other cluster", () => {
    test.each(connectSteps)("of connecting: %s", async (step) => {
      const pay = await adminClient("pay");
      const worker = startWorker({ verb: "connect", cluster: "pay", stopAfter: step });
      expect((await worker.ended).signal).toBe("SIGKILL");
      const connected = await connectMesh("pay");
      expect(
        await pay.list({ apiVersion: "v1", kind: "ServiceAccount" }, { namespace: "pilothouse-system" }),
      ).toHaveLength(2);
      expect(await pay.list({ apiVersion: "v1", kind: "Secret" }, { namespace: "pilothouse-system" })).toHaveLength(1);
      await disconnectMesh(connected);
    });

    test.each(disconnectSteps)("of disconnecting: %s", async (step) => {
      const pay = await adminClient("pay");
      // Those of the test before may still be ending.
      await waitFor(
        "Pilothouse's namespaces to be gone",
        async () => !(await listAllObjects(pay)).some((name) => name.startsWith("v1 Namespace pilothouse-")),
        30_000,
      );
      const payBefore = await listAllObjects(pay);
      const connected = await connectMesh("pay");
      const worker = startWorker({ verb: "disconnect", cluster: "pay", mesh: connected, stopAfter: step });
      expect((await worker.ended).signal).toBe("SIGKILL");
      await disconnectMesh(connected);
      await expect
        .poll(async () => compareObjects(payBefore, await listAllObjects(pay)), { timeout: 30_000 })
        .toEqual(noDifferences);
    });
  });

  test.each(reconcileSteps)("of a reconcile: %s", async (step) => {
    const seen = await killed.get(step);
    expect(seen?.end).toBe("SIGKILL");
    expect(seen?.steps).toContain(step);
    expect(seen?.counts).toEqual(await undisturbed);
  });

  test.each(removeSteps)("of a removal: %s", async (step) => {
    expect(await unmade.get(step)).toEqual({ end: "SIGKILL", leftovers: [], traces: [] });
  });

  test("all of them together leave both clusters as they were", async () => {
    await Promise.allSettled([undisturbed, ...killed.values(), ...unmade.values()]);
    await expect
      .poll(async () => findTraces(before.shop, await listAllObjects(shop)), { timeout: 30_000 })
      .toEqual(noDifferences);
    await expect
      .poll(async () => compareObjects(before.host, await listAllObjects(host)), { timeout: 30_000 })
      .toEqual(noDifferences);
    expect(await listDnsRecords()).toEqual(before.records);
  });
});
