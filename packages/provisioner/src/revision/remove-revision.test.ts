import { expect, test } from "vitest";
import { createDeadline } from "../deadline.ts";
import { startTestCluster } from "../kube/test-cluster.ts";
import type { TestCluster } from "../kube/test-cluster.ts";
import { removeRevision } from "./remove-revision.ts";
import type { RemovalRequest, RemovalResult } from "./remove-revision.ts";

function describeRemoval(mesh: TestCluster, host: TestCluster): Omit<RemovalRequest, "deadline"> {
  const { server, certificateAuthority } = mesh.access;
  return {
    revision: {
      id: "r1",
      tenant: "test",
      controlPlane: "shop",
      version: {
        version: "1.32-dev",
        line: "1.32",
        charts: { base: "/base", istiod: "/istiod" },
        image: { hub: "hub.test", tag: "tag", pullPolicy: "Never" },
      },
      replicas: 1,
      tokenLifetimeSeconds: 3600,
    },
    mesh: {
      id: "shop",
      server,
      ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
      clusterUid: "uid",
      token: {
        token: "token",
        namespace: "pilothouse-system",
        serviceAccount: "pilothouse",
        secretName: "secret",
        secretUid: "uid",
        issuedAt: new Date().toISOString(),
        expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
      },
    },
    istiodCluster: { name: "istiod-a", line: "1.32", access: host.access, edgeAddresses: ["192.0.2.1"] },
    provider: { domain: "mesh.test", allowedApiServerRanges: ["127.0.0.0/8"], helm: "helm" },
    dns: { publish: () => Promise.resolve(), withdraw: () => Promise.resolve() },
    giveUpAtMs: Date.now() - 1,
  };
}

/** Looks until there is nothing left to do, as a worker does, each look with plenty of time. */
async function removeUntilDone(request: Omit<RemovalRequest, "deadline">, mostLooks: number): Promise<RemovalResult> {
  for (let looks = 1; ; looks += 1) {
    const result = await removeRevision({ ...request, deadline: createDeadline(60_000) });
    if (result.done || looks === mostLooks) return result;
  }
}

test("past its time a removal ends within seconds beside a mesh cluster that takes calls and never answers", async () => {
  const mesh = await startTestCluster(() => "never answered");
  const host = await startTestCluster();
  const request = describeRemoval(mesh, host);
  const labels = { "pilothouse.io/revision": "r1", "pilothouse.io/cluster": "shop" };
  host.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "r1", labels } });
  const startedMs = performance.now();
  const result = await removeUntilDone(request, 3);
  expect(performance.now() - startedMs).toBeLessThan(8_000);
  expect(result).toMatchObject({ done: true, conditions: [{ status: "False", reason: "LeftBehind" }] });
  expect(result.leftovers.map(({ command }) => command).join("\n")).toContain(
    "delete mutatingwebhookconfiguration istio-sidecar-injector-r1",
  );
  expect(result.leftovers.every(({ cluster }) => cluster === "shop")).toBe(true);
  expect(host.list()).toEqual([]);
});

test("past its time a cluster that refuses has answered: what it says is what is told", async () => {
  const mesh = await startTestCluster(({ url }) =>
    url.startsWith("/api/v1/namespaces/default") ? { status: 403, message: "no" } : undefined,
  );
  const result = await removeUntilDone(describeRemoval(mesh, await startTestCluster()), 3);
  expect(result).toMatchObject({ done: true, leftovers: [], conditions: [{ status: "True", reason: "Removed" }] });
});
