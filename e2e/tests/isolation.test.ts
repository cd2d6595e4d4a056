import type { KubeClient, MeshCluster } from "@pilothouse/provisioner";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reconcileUntilReady, removeUntilDone } from "../src/reconcile-loop.ts";
import { openDiscoveryWatch } from "./support/discovery-watch.ts";
import { adminClient, connectMesh, describeRevision, disconnectMesh } from "./support/mesh.ts";
import { listAllObjects } from "./support/objects.ts";

const host = "istiod-eu-1-b";
const tenants = ["shop", "pay"] as const;

let meshes: MeshCluster[];
let hostClient: KubeClient;

beforeAll(async () => {
  hostClient = await adminClient(host);
  meshes = await Promise.all(tenants.map(connectMesh));
  for (const mesh of meshes)
    await reconcileUntilReady(await describeRevision(mesh, "1.32", `apart-${mesh.id}`), { timeoutMs: 90_000 });
});

afterAll(async () => {
  for (const mesh of meshes) {
    await removeUntilDone(
      { ...(await describeRevision(mesh, "1.32", `apart-${mesh.id}`)), giveUpAtMs: Date.now() + 60_000 },
      { timeoutMs: 60_000 },
    );
    await disconnectMesh(mesh);
  }
});

const rootOf = async (client: KubeClient): Promise<unknown> =>
  (await client.get({ apiVersion: "v1", kind: "ConfigMap", name: "istio-ca-root-cert", namespace: "default" }))?.[
    "data"
  ];

test("each tenant's mesh has a root of its own, which the other's istiod does not touch", async () => {
  const roots = await Promise.all(tenants.map(async (tenant) => rootOf(await adminClient(tenant))));
  expect(roots[0]).toBeTruthy();
  expect(roots[1]).toBeTruthy();
  expect(roots[0]).not.toEqual(roots[1]);
});

test("istiod writes nothing into the cluster that hosts it, and has no webhook there", async () => {
  const objects = await listAllObjects(hostClient);
  expect(
    objects.filter((name) =>
      /istio-ca-|WebhookConfiguration|istio-leader|istio-namespace-controller-election/.test(name),
    ),
  ).toEqual([]);
});

test("each tenant has the webhooks of its own revision and no other", async () => {
  for (const tenant of tenants) {
    const objects = await listAllObjects(await adminClient(tenant));
    expect(objects.filter((name) => /WebhookConfiguration/.test(name)).map((name) => name.split(" ")[2])).toEqual([
      `istio-sidecar-injector-apart-${tenant}`,
      `istio-validator-apart-${tenant}-istio-system`,
    ]);
  }
});

test("a revision's pod has no credential of its host, runs restricted, and is bounded", async () => {
  for (const tenant of tenants) {
    const namespace = `apart-${tenant}`;
    const at = { namespace };
    const [pod] = await hostClient.list({ apiVersion: "v1", kind: "Pod" }, at);
    expect(JSON.stringify(pod?.["spec"])).not.toMatch(/kube-api-access|serviceAccountToken/);
    expect(pod?.["spec"]).toMatchObject({
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true },
    });
    const labels = (await hostClient.get({ apiVersion: "v1", kind: "Namespace", name: namespace }))?.metadata.labels;
    expect(labels?.["pod-security.kubernetes.io/enforce"]).toBe("restricted");
    expect(await hostClient.list({ apiVersion: "v1", kind: "ResourceQuota" }, at)).toHaveLength(1);
    expect(await hostClient.list({ apiVersion: "v1", kind: "LimitRange" }, at)).toHaveLength(1);
    expect(
      (await hostClient.list({ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" }, at)).map(
        (policy) => policy.metadata.name,
      ),
    ).toEqual(["deny-all", "istiod"]);
  }
});

test("a tenant's discovery knows its own cluster's endpoints and none of the host's", async () => {
  for (const mesh of meshes) {
    const { revision, provider } = await describeRevision(mesh, "1.32", `apart-${mesh.id}`);
    const hostname = `${revision.id}.${provider.domain}`;
    const watch = await openDiscoveryWatch(mesh, { id: revision.id, hostname, version: revision.version.version });
    await expect.poll(() => watch.clusters().some((name) => name.includes("kubernetes.default.svc"))).toBe(true);
    expect(watch.clusters().filter((name) => /kube-dns|istiod\.apart-|coredns/.test(name))).toEqual([]);
    await watch.close();
  }
});
