import { join } from "node:path";
import { operations } from "@pilothouse/contract";
import { type KubeClient, reconcileSteps, removeSteps } from "@pilothouse/provisioner";
import { afterAll, expect, test } from "vitest";
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

/**
 * A successor waits until the lease of the dead has ended, so two services of their own go through it side by side, each with every
 * second step: as many kills in half the time.
 */
const grounds = [
  { cluster: "shop", istiodCluster: "istiod-eu-1-b", line: "1.32", parity: 0 },
  { cluster: "pay", istiodCluster: "istiod-eu-1-a", line: "1.22", parity: 1 },
] as const;

type Ground = (typeof grounds)[number];

/** A service with a tenant and a connected cluster, and an administrator's clients. */
interface Stage {
  service: Service;
  tenant: TestTenant;
  mesh: KubeClient;
  host: KubeClient;
}

async function openStage({ cluster, istiodCluster }: Ground): Promise<Stage> {
  const [mesh, host] = await Promise.all([adminClient(cluster), adminClient(istiodCluster)]);
  const service = await startTestService();
  services.push(service);
  const tenant = await makeTenant(service, "acme");
  await connectOverRest(tenant, cluster);
  return { service, tenant, mesh, host };
}

const services: Service[] = [];

afterAll(async () => {
  await Promise.all(services.map((service) => service.stop()));
});

/** How many of each kind a revision has in both clusters. */
async function countObjects({ mesh, host }: Stage, revision: string): Promise<Record<string, number>> {
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
async function killTwiceAfter({ service, tenant }: Stage, step: string, operation: string): Promise<number[]> {
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

/** Makes and removes a control plane while workers die, and says how long their successors needed. */
async function killThroughout(ground: Ground): Promise<number[]> {
  const { cluster, line, parity } = ground;
  const stage = await openStage(ground);
  const { service, tenant, mesh, host } = stage;
  const [meshBefore, hostBefore] = await Promise.all([listAllObjects(mesh), listAllObjects(host)]);
  const isMine = (_step: string, index: number): boolean => index % 2 === parity;
  const params = { tenant: tenant.name };
  const undisturbed = await tenant.client.call(operations.createControlPlane, {
    params,
    body: { name: "calm", cluster, line },
  });
  expect((await waitForOperation(tenant, undisturbed.body.operation.id)).state).toBe("succeeded");
  const calm = await readControlPlane(tenant, "calm");
  const expected = await countObjects(stage, calm.revisions[0] ?? "");
  const removedCalm = await tenant.client.call(operations.deleteControlPlane, {
    params: { ...params, controlPlane: "calm" },
  });
  expect((await waitForOperation(tenant, removedCalm.body.operation.id)).state).toBe("succeeded");
  await service.worker.stop();

  const created = await tenant.client.call(operations.createControlPlane, {
    params,
    body: { name: "stormy", cluster, line },
  });
  const delaysMs: number[] = [];
  for (const step of reconcileSteps.filter(isMine))
    delaysMs.push(...(await killTwiceAfter(stage, step, created.body.operation.id)));
  const healthy = await service.startWorker("healthy");
  expect((await waitForOperation(tenant, created.body.operation.id)).state).toBe("succeeded");
  const stormy = await readControlPlane(tenant, "stormy");
  expect(stormy.phase).toBe("Ready");
  expect(await countObjects(stage, stormy.revisions[0] ?? "")).toEqual(expected);
  expect(await (await fetch(`${healthy.healthUrl}/metrics`)).text()).toMatch(/^pilothouse_sweep_corrections_total 0$/m);
  await healthy.stop();

  const removed = await tenant.client.call(operations.deleteControlPlane, {
    params: { ...params, controlPlane: "stormy" },
  });
  for (const step of removeSteps.filter(isMine))
    delaysMs.push(...(await killTwiceAfter(stage, step, removed.body.operation.id)));
  const last = await service.startWorker("last");
  expect((await waitForOperation(tenant, removed.body.operation.id)).state).toBe("succeeded");
  expect(await codeOf(readControlPlane(tenant, "stormy"))).toBe("NotFound");

  const isKept = (name: string): boolean => /\.istio\.io | istio-system/.test(name);
  const findAdded = async (): Promise<string[]> => [
    ...compareObjects(meshBefore, await listAllObjects(mesh)).added.filter((name) => !isKept(name)),
    ...compareObjects(hostBefore, await listAllObjects(host)).added,
  ];
  await waitFor("both clusters to hold no more than before", async () => (await findAdded()).length === 0, 30_000);

  const disconnected = await tenant.client.call(operations.disconnectCluster, { params: { ...params, cluster } });
  expect((await waitForOperation(tenant, disconnected.body.operation.id)).state).toBe("succeeded");
  await last.stop();
  return delaysMs;
}

test("workers killed after every step of provisioning and removal, twice in a row: it ends right, and nothing is doubled", async () => {
  const delaysMs = (await Promise.all(grounds.map(killThroughout))).flat();
  expect(delaysMs.length).toBeGreaterThanOrEqual(10);
  expect(Math.max(...delaysMs)).toBeLessThan(10_000);
});
