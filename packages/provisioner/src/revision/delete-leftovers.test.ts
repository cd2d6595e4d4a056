import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createDeadline } from "../deadline.ts";
import { listIstiodLeftovers } from "../istio/istiod-leftovers.ts";
import { createKubeClient } from "../kube/client.ts";
import { startTestCluster } from "../kube/test-cluster.ts";
import type { Intervention, TestCluster } from "../kube/test-cluster.ts";
import type { KubeClient } from "../kube/types.ts";
import { deleteLeftovers } from "./delete-leftovers.ts";

const leftovers = listIstiodLeftovers("1.32", "r1").filter(({ keep }) => !keep);

async function start(intervene?: Intervention): Promise<{ cluster: TestCluster; client: KubeClient }> {
  const cluster = await startTestCluster(intervene);
  const client = createKubeClient(cluster.access, { deadline: createDeadline(10_000), callTimeoutMs: 2_000 });
  onTestFinished(() => client.close());
  return { cluster, client };
}

const status = { manager: "pilot-discovery", operation: "Update", subresource: "status" };

function gatewayClass(name: string, writers: object[] | undefined, controllerName = "istio.io/gateway-controller") {
  const metadata = { name, ...(writers === undefined ? {} : { managedFields: writers }) };
  return { apiVersion: "gateway.networking.k8s.io/v1", kind: "GatewayClass", metadata, spec: { controllerName } };
}

test("GatewayClasses that istiod made go", async () => {
  const { cluster, client } = await start();
  const writers = [{ manager: "pilot-discovery", operation: "Update" }, status];
  cluster.put(gatewayClass("istio", writers));
  cluster.put(gatewayClass("istio-remote", writers, "istio.io/unmanaged-gateway"));
  await deleteLeftovers(client, leftovers);
  expect(cluster.list()).toEqual([]);
});

test.for([
  ["a person made", [{ manager: "kubectl-create", operation: "Update" }, status]],
  ["a person changed", [{ manager: "pilot-discovery", operation: "Update" }, { manager: "kubectl-edit" }, status]],
  ["nobody is known to have made", undefined],
] as const)("a GatewayClass that %s stays", async ([, writers]) => {
  const { cluster, client } = await start();
  cluster.put(gatewayClass("istio", writers === undefined ? undefined : [...writers]));
  await deleteLeftovers(client, leftovers);
  expect(cluster.list()).toEqual(["GatewayClass istio"]);
});

test("a GatewayClass of another controller stays, whoever wrote it", async () => {
  const { cluster, client } = await start();
  cluster.put(gatewayClass("istio", [{ manager: "pilot-discovery", operation: "Update" }], "example.test/gateways"));
  await deleteLeftovers(client, leftovers);
  expect(cluster.list()).toEqual(["GatewayClass istio"]);
});

test("of many namespaces only those with ConfigMaps of istiod get a delete, few at once", async () => {
  let running = 0;
  let most = 0;
  const { cluster, client } = await start(({ method }) => {
    if (method !== "DELETE") return undefined;
    running += 1;
    most = Math.max(most, running);
    return sleep(20).then(() => {
      running -= 1;
      return undefined;
    });
  });
  for (let index = 0; index < 200; index += 1) {
    const namespace = `team-${index}`;
    cluster.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    cluster.put({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "of-the-tenant", namespace } });
    if (index < 10)
      cluster.put({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "istio-ca-root-cert", namespace } });
  }
  await deleteLeftovers(client, leftovers);
  expect(cluster.list().filter((name) => name.endsWith("istio-ca-root-cert"))).toEqual([]);
  expect(cluster.list()).toHaveLength(400);
  const deletes = cluster.seen.filter(({ method }) => method === "DELETE");
  expect(deletes.filter(({ url }) => url.includes("/team-"))).toHaveLength(10);
  expect(most).toBeLessThanOrEqual(4);
});
