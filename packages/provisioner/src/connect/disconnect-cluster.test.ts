import { expect, test } from "vitest";
import { createDeadline } from "../deadline.ts";
import { startTestCluster } from "../kube/test-cluster.ts";
import type { TestCluster } from "../kube/test-cluster.ts";
import { labelsForCluster } from "../labels.ts";
import type { MeshCluster, ProviderConfig } from "../types.ts";
import { clusterNames } from "./cluster-names.ts";
import { disconnectCluster } from "./disconnect-cluster.ts";

const provider: ProviderConfig = { domain: "mesh.test", allowedApiServerRanges: ["127.0.0.0/8"], helm: "helm" };
const labels = labelsForCluster("shop");
const system = { apiVersion: "v1", kind: "Namespace", metadata: { name: "istio-system", labels } };

/** A connection's namespaces and anchor, and Pilothouse's access. */
function connect(cluster: TestCluster): MeshCluster {
  const { server, certificateAuthority } = cluster.access;
  for (const name of ["kube-system", "pilothouse-system"])
    cluster.put({ apiVersion: "v1", kind: "Namespace", metadata: { name, uid: name } });
  cluster.put(system);
  const anchor = { name: clusterNames.anchor, labels };
  cluster.put({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: anchor });
  return {
    id: "shop",
    server,
    ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
    clusterUid: "kube-system",
    token: {
      token: "token",
      namespace: "pilothouse-system",
      serviceAccount: "pilothouse",
      secretName: clusterNames.tokenSecret("a"),
      secretUid: "uid",
      issuedAt: new Date().toISOString(),
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    },
  };
}

test("a Secret of the tenant's in istio-system outlives the connection, although Pilothouse can't see it", async () => {
  const cluster = await startTestCluster();
  const mesh = connect(cluster);
  const metadata = { name: "gateway-certificate", namespace: "istio-system" };
  cluster.put({ apiVersion: "v1", kind: "Secret", metadata });
  const { done, kept } = await disconnectCluster({ cluster: mesh, provider, deadline: createDeadline(5_000) });
  expect(done).toBe(true);
  expect(cluster.list()).toEqual(
    expect.arrayContaining(["Namespace istio-system", "Secret istio-system/gateway-certificate"]),
  );
  expect(cluster.list()).not.toContain(`ClusterRole ${clusterNames.anchor}`);
  expect(kept.join()).toContain("kubectl delete namespace istio-system");
});

test("istio-system goes when that is wished and nothing is seen in it", async () => {
  const cluster = await startTestCluster();
  const request = { cluster: connect(cluster), provider, removeSystemNamespace: true };
  const { kept } = await disconnectCluster({ ...request, deadline: createDeadline(5_000) });
  expect(kept).toEqual([]);
  expect(cluster.list()).not.toContain("Namespace istio-system");
});

test("a wish doesn't remove an istio-system in which something is seen", async () => {
  const cluster = await startTestCluster();
  const request = { cluster: connect(cluster), provider, removeSystemNamespace: true };
  cluster.put({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", namespace: "istio-system" } });
  const { kept } = await disconnectCluster({ ...request, deadline: createDeadline(5_000) });
  expect(kept).toEqual(["Namespace istio-system: it holds ConfigMap settings"]);
  expect(cluster.list()).toContain("Namespace istio-system");
});
