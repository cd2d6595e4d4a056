import {
  clusterLabel,
  connectCluster,
  type ConnectRequest,
  createDeadline,
  type KubeClient,
  type MeshCluster,
  type RemovalRequest,
  type RemovalResult,
  removeRevision,
  revisionLabel,
} from "@pilothouse/provisioner";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ChooseFault, type FaultyWay, type SeenCall, withFaults } from "./support/faulty-way.ts";
import { adminClient, clearMesh, connectMesh, describeRevision, disconnectMesh, runCommands } from "./support/mesh.ts";
import { compareObjects, listAllObjects, noDifferences } from "./support/objects.ts";
import { readTestGround } from "./support/test-fleet.ts";

let pay: KubeClient;
let shop: KubeClient;

beforeAll(async () => {
  [pay, shop] = await Promise.all([adminClient("pay"), adminClient("shop")]);
  await Promise.all(["pay", "shop"].map(clearMesh));
});

/** Connects over a way with faults; answers what it was refused with. */
async function connectOver(way: FaultyWay, id: string, wish: Partial<ConnectRequest> = {}): Promise<unknown> {
  const { versions } = await readTestGround();
  const { kubeconfig, provider } = way;
  const deadline = createDeadline(30_000);
  return connectCluster({ id, kubeconfig, provider, versions, deadline, ...wish }).then(
    () => "connected",
    (error: unknown) => error,
  );
}

/** Answers for the API server at the ServiceAccounts, which are installed when much else is already there. */
const atAccounts =
  (status: 403 | 503, message: string): ChooseFault =>
  ({ method, path }) =>
    method === "PATCH" && path.includes("/serviceaccounts/") ? { status, message } : undefined;

/** Admission can't judge what is in a namespace before that exists. */
const refuseAccounts = atAccounts(403, "not by our policy");

const anchor = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", name: "pilothouse-anchor" };

const isWrite = ({ method, path, query }: SeenCall): boolean =>
  method !== "GET" && !query.has("dryRun") && !/selfsubject\w*reviews/.test(path);

test("a token's lifetime that no API server grants is refused before anything is made", async () => {
  const { result, seen } = await withFaults(
    "pay",
    () => undefined,
    (way) => connectOver(way, "pay", { tokenLifetimeSeconds: 599 }),
  );
  expect(result).toMatchObject({ kind: "user", code: "TokenLifetimeTooShort" });
  expect(seen.filter(isWrite)).toEqual([]);
});

test("what a first connection had installed when it was refused goes again, but for istio-system, and the command it names removes that", async () => {
  const before = await listAllObjects(pay);
  const { result: error, seen } = await withFaults("pay", refuseAccounts, (way) => connectOver(way, "pay"));
  expect(error).toMatchObject({ kind: "user", code: "Forbidden" });
  expect(String(error)).toMatch(/not by our policy.*removed again.*kubectl delete namespace istio-system/);
  expect(seen.filter(isWrite).map(({ path }) => path)).toContain("/api/v1/namespaces/pilothouse-system");
  const istioSystem = [
    "v1 ConfigMap istio-system/kube-root-ca.crt",
    "v1 Namespace istio-system",
    "v1 ServiceAccount istio-system/default",
  ];
  await expect
    .poll(
      async () => {
        const { gone, added, changed } = compareObjects(before, await listAllObjects(pay));
        return { gone, added: added.map((name) => name.slice(0, name.lastIndexOf(" "))), changed };
      },
      { timeout: 30_000 },
    )
    .toEqual({ gone: [], added: istioSystem, changed: [] });
  await runCommands("pay", String(error).match(/kubectl delete namespace istio-system --ignore-not-found/) ?? []);
  await expect
    .poll(async () => compareObjects(before, await listAllObjects(pay)), { timeout: 30_000 })
    .toEqual(noDifferences);
});

test("what passes by itself leaves a first connection for the next call to go on with", async () => {
  const { result } = await withFaults("shop", atAccounts(503, "busy"), (way) => connectOver(way, "shop"));
  expect(result).toMatchObject({ kind: "transient" });
  const left = await shop.get(anchor);
  expect(left).toBeDefined();
  await connectMesh("shop");
  expect((await shop.get(anchor))?.metadata.uid).toBe(left?.metadata.uid);
});

describe("with a cluster that is connected", () => {
  let mesh: MeshCluster;

  beforeAll(async () => {
    mesh = await connectMesh("shop");
  });

  afterAll(async () => {
    await disconnectMesh(mesh);
  });

  test("the connection is not removed when it is to be renewed and that is refused", async () => {
    const before = await listAllObjects(shop);
    const { result } = await withFaults("shop", refuseAccounts, (way) => connectOver(way, "shop"));
    expect(result).toMatchObject({ kind: "user", code: "Forbidden" });
    expect(compareObjects(before, await listAllObjects(shop))).toEqual(noDifferences);
  });

  /** Removes a revision whose time is over, over a way with faults; says what each look took, in milliseconds. */
  async function removeLate(revision: string, choose: ChooseFault) {
    const { mesh: _direct, ...request } = await describeRevision(mesh, "1.32", revision);
    const looksMs: number[] = [];
    const { result, seen } = await withFaults("shop", choose, async ({ lead, provider }) => {
      const late: Omit<RemovalRequest, "deadline"> = {
        ...request,
        mesh: lead(mesh),
        provider,
        giveUpAtMs: Date.now() - 1,
      };
      let last: RemovalResult;
      do {
        const startedMs = performance.now();
        last = await removeRevision({ ...late, deadline: createDeadline(60_000) });
        looksMs.push(performance.now() - startedMs);
        if (!last.done) await sleep(last.requeueAfterMs);
      } while (!last.done && looksMs.length < 10);
      return last;
    });
    return { result, seen, looksMs };
  }

  test("past its time a removal ends within seconds beside a mesh cluster that takes calls and never answers", async () => {
    const revision = "beside-silence";
    const { istiodCluster } = await describeRevision(mesh, "1.32", revision);
    const host = await adminClient(istiodCluster.name);
    const namespace = { apiVersion: "v1", kind: "Namespace", name: revision };
    const labels = { [revisionLabel]: revision, [clusterLabel]: "shop" };
    await host.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: revision, labels } });
    const { result, seen, looksMs } = await removeLate(revision, () => "never answered");
    expect(result).toMatchObject({ done: true, conditions: [{ status: "False", reason: "LeftBehind" }] });
    expect(result.leftovers.map(({ command }) => command).join("\n")).toContain(
      `delete mutatingwebhookconfiguration istio-sidecar-injector-${revision}`,
    );
    expect(result.leftovers.every(({ cluster }) => cluster === "shop")).toBe(true);
    expect(await host.get(namespace)).toBeUndefined();
    // It asks once at each look, and that takes no more of the time than it has to: the namespace needs most of it.
    expect(seen.map(({ method, path }) => `${method} ${path}`)).toEqual(
      looksMs.map(() => "GET /api/v1/namespaces/default"),
    );
    expect(Math.max(...looksMs)).toBeLessThan(4_000);
  });

  test("past its time a cluster that refuses has answered: what it says is what is told", async () => {
    const { result, seen } = await removeLate("beside-refusal", ({ path }) =>
      path === "/api/v1/namespaces/default" ? { status: 403, message: "no" } : undefined,
    );
    expect(seen.map(({ path }) => path)).toContain("/api/v1/namespaces/default");
    expect(result).toMatchObject({ done: true, leftovers: [], conditions: [{ status: "True", reason: "Removed" }] });
  });
});
