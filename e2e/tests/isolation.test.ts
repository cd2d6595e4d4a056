import { isIP } from "node:net";
import type { KubeClient, MeshCluster } from "@pilothouse/provisioner";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { reconcileUntilReady, removeUntilDone } from "../src/reconcile-loop.ts";
import { openDiscoveryWatch } from "./support/discovery-watch.ts";
import { adminClient, connectMesh, describeRevision, disconnectMesh } from "./support/mesh.ts";
import { applyWorkloads, observerAccount, removeWorkloads, workloadNamespace } from "./support/mesh-workloads.ts";
import { listAllObjects } from "./support/objects.ts";
import { startSidecar } from "./support/sidecar.ts";
import { readTestGround } from "./support/test-fleet.ts";
import { closeWorkloads, openWorkloadPlace } from "./support/workload-place.ts";

const host = "istiod-eu-1-b";
const line = "1.32";
const tenants = ["shop", "pay"] as const;

let meshes: MeshCluster[];
let hostClient: KubeClient;

beforeAll(async () => {
  await closeWorkloads();
  hostClient = await adminClient(host);
  meshes = await Promise.all(tenants.map(connectMesh));
  for (const mesh of meshes)
    await reconcileUntilReady(await describeRevision(mesh, line, `apart-${mesh.id}`), { timeoutMs: 90_000 });
});

afterAll(async () => {
  await closeWorkloads();
  for (const mesh of meshes) {
    await removeWorkloads(await adminClient(mesh.id));
    await removeUntilDone(
      { ...(await describeRevision(mesh, line, `apart-${mesh.id}`)), giveUpAtMs: Date.now() + 60_000 },
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
    const { revision, provider } = await describeRevision(mesh, line, `apart-${mesh.id}`);
    const hostname = `${revision.id}.${provider.domain}`;
    const watch = await openDiscoveryWatch(mesh, { id: revision.id, hostname, version: revision.version.version });
    await expect.poll(() => watch.clusters().some((name) => name.includes("kubernetes.default.svc"))).toBe(true);
    expect(watch.clusters().filter((name) => /kube-dns|istiod\.apart-|coredns/.test(name))).toEqual([]);
    await watch.close();
  }
});

const AddressesSchema = z.object({
  spec: z.object({ clusterIPs: z.array(z.string()).default([]) }).default({ clusterIPs: [] }),
  status: z
    .object({
      addresses: z.array(z.object({ address: z.string() })).default([]),
      podIPs: z.array(z.object({ ip: z.string() })).default([]),
    })
    .default({ addresses: [], podIPs: [] }),
  endpoints: z.array(z.object({ addresses: z.array(z.string()) })).nullish(),
});

/** Every address that the istiod cluster's nodes, pods, Services and endpoints have. */
async function listHostAddresses(): Promise<string[]> {
  const kinds = [
    ...["Node", "Pod", "Service"].map((kind) => ({ apiVersion: "v1", kind })),
    { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" },
  ];
  const objects = (await Promise.all(kinds.map((kind) => hostClient.list(kind)))).flat();
  const found = objects.flatMap((object) => {
    const { spec, status, endpoints } = AddressesSchema.parse(object);
    return [
      ...spec.clusterIPs,
      ...status.addresses.map(({ address }) => address),
      ...status.podIPs.map(({ ip }) => ip),
      ...(endpoints ?? []).flatMap(({ addresses }) => addresses),
    ];
  });
  return [...new Set(found)].filter((address) => isIP(address) !== 0);
}

test("no address of the host is in anything that a tenant's sidecar is told", async () => {
  const hostAddresses = await listHostAddresses();
  const { status } = await readTestGround();
  // A node, the Services kubernetes, kube-dns and istiod of both tenants, and their pods.
  expect(hostAddresses.length).toBeGreaterThanOrEqual(8);
  await Promise.all(
    meshes.map(async (mesh, index) => {
      const client = await adminClient(mesh.id);
      const { revision, provider } = await describeRevision(mesh, line, `apart-${mesh.id}`);
      await applyWorkloads(client, revision.id);
      const sidecar = await startSidecar({
        place: await openWorkloadPlace(`observer-${mesh.id}`, index),
        line,
        revision: { id: revision.id, hostname: `${revision.id}.${provider.domain}` },
        mesh: { id: mesh.id, client },
        namespace: workloadNamespace,
        name: observerAccount,
      });
      // Endpoints come after clusters: those of the API server show that they are there.
      const own = new URL(status.clusters.find(({ name }) => name === mesh.id)?.server ?? "").hostname;
      await expect.poll(() => sidecar.readDiscovered(), { timeout: 30_000 }).toContain(`"address":"${own}"`);
      const addresses = new Set((await sidecar.readDiscovered()).match(/\b\d+\.\d+\.\d+\.\d+\b/g));
      expect(hostAddresses.filter((address) => addresses.has(address))).toEqual([]);
    }),
  );
});
