import { join } from "node:path";
import { operations } from "@pilothouse/contract";
import { type KubeClient, reconcileSteps, removeSteps } from "@pilothouse/provisioner";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Service, WorkerProcess } from "../src/service.ts";
import { adminClient } from "./support/mesh.ts";
import { compareObjects, listAllObjects } from "./support/objects.ts";
import {
  codeOf,
  connectOverRest,
  makeTenant,
  readControlPlane,
  startTestService,
  type TestTenant,
  waitForOperation,
} from "./support/service-ground.ts";
import { waitFor } from "./support/wait-for.ts";

const dyingWorker = join(import.meta.dirname, "support/dying-worker.ts");
const cluster = "shop";

let service: Service;
let tenant: TestTenant;
let mesh: KubeClient;
let host: KubeClient;
let meshBefore: string[];
let hostBefore: string[];

beforeAll(async () => {
  service = await startTestService();
  tenant = await makeTenant(service, "acme");
  [mesh, host] = await Promise.all([adminClient(cluster), adminClient("istiod-eu-1-b")]);
  await connectOverRest(tenant, cluster);
  [meshBefore, hostBefore] = await Promise.all([listAllObjects(mesh), listAllObjects(host)]);
});

afterAll(async () => {
  await service.stop();
});

/** How many of each kind a revision has in both clusters. */
async function countObjects(revision: string): Promise<Record<string, number>> {
  const count = async (client: KubeClient, apiVersion: string, kind: string, namespace: string): Promise<number> =>
    (await client.list({ apiVersion, kind }, { namespace })).length;
  return {
    serviceAccounts: await count(mesh, "v1", "ServiceAccount", "pilothouse-system"),
    boundSecrets: await count(mesh, "v1", "Secret", "pilothouse-system"),
    deployments: await count(host, "apps/v1", "Deployment", revision),
    replicaSets: await count(host, "apps/v1", "ReplicaSet", revision),
  };
}

/** Kills workers after the step, twice in a row. Answers how long each successor needed until it took a first step, in milliseconds. */
async function killTwiceAfter(step: string, operation: string): Promise<number[]> {
  const delaysMs: number[] = [];
  let killedMs: number | undefined;
  for (const round of [1, 2]) {
    const worker: WorkerProcess = await service.startWorker(`dies-${step}-${round}`, {
      program: dyingWorker,
      environment: { DIE_AFTER: step },
    });
    const startedMs = performance.now();
    let end: string | null = null;
    void worker.ended.then(({ signal }) => (end = signal));
    await waitFor(
      `the worker to die after ${step}, or the operation to end`,
      async () => {
        const params = { tenant: tenant.name, operation };
        return end !== null || (await tenant.client.call(operations.getOperation, { params })).body.state !== "running";
      },
      60_000,
    );
    const first = worker.lines.find(({ text }) => text.startsWith("step "));
    if (killedMs !== undefined && first !== undefined) delaysMs.push(first.atMs - Math.max(killedMs, startedMs));
    if (end !== "SIGKILL") {
      // The step is not taken again once what it does is done.
      await worker.stop();
      return delaysMs;
    }
    killedMs = performance.now();
  }
  return delaysMs;
}

test("workers killed after every step of provisioning and removal, twice in a row: it ends right, and nothing is doubled", async () => {
  const params = { tenant: tenant.name };
  const undisturbed = await tenant.client.call(operations.createControlPlane, {
    params,
    body: { name: "calm", cluster, line: "1.32" },
  });
  expect((await waitForOperation(tenant, undisturbed.body.operation.id)).state).toBe("succeeded");
  const calm = await readControlPlane(tenant, "calm");
  const expected = await countObjects(calm.revisions[0] ?? "");
  const removedCalm = await tenant.client.call(operations.deleteControlPlane, {
    params: { ...params, controlPlane: "calm" },
  });
  expect((await waitForOperation(tenant, removedCalm.body.operation.id)).state).toBe("succeeded");
  await service.worker.stop();

  const created = await tenant.client.call(operations.createControlPlane, {
    params,
    body: { name: "stormy", cluster, line: "1.32" },
  });
  const delaysMs: number[] = [];
  for (const step of reconcileSteps) delaysMs.push(...(await killTwiceAfter(step, created.body.operation.id)));
  const healthy = await service.startWorker("healthy");
  expect((await waitForOperation(tenant, created.body.operation.id)).state).toBe("succeeded");
  const stormy = await readControlPlane(tenant, "stormy");
  expect(stormy.phase).toBe("Ready");
  expect(await countObjects(stormy.revisions[0] ?? "")).toEqual(expected);
  expect(await (await fetch(`${healthy.healthUrl}/metrics`)).text()).toMatch(/^pilothouse_sweep_corrections_total 0$/m);
  await healthy.stop();

  const removed = await tenant.client.call(operations.deleteControlPlane, {
    params: { ...params, controlPlane: "stormy" },
  });
  for (const step of removeSteps) delaysMs.push(...(await killTwiceAfter(step, removed.body.operation.id)));
  const last = await service.startWorker("last");
  expect((await waitForOperation(tenant, removed.body.operation.id)).state).toBe("succeeded");
  expect(await codeOf(readControlPlane(tenant, "stormy"))).toBe("NotFound");

  expect(delaysMs.length).toBeGreaterThanOrEqual(10);
  expect(Math.max(...delaysMs)).toBeLessThan(10_000);
  const isKept = (name: string): boolean => /\.istio\.io | istio-system/.test(name);
  await expect
    .poll(async () => compareObjects(meshBefore, await listAllObjects(mesh)).added.filter((name) => !isKept(name)), {
      timeout: 30_000,
    })
    .toEqual([]);
  await expect
    .poll(async () => compareObjects(hostBefore, await listAllObjects(host)).added, { timeout: 30_000 })
    .toEqual([]);

  const disconnected = await tenant.client.call(operations.disconnectCluster, { params: { ...params, cluster } });
  expect((await waitForOperation(tenant, disconnected.body.operation.id)).state).toBe("succeeded");
  await last.stop();
});
