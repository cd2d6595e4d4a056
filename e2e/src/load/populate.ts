import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, operations } from "@pilothouse/contract";
import type { Ground } from "../ground.ts";
import { createTenantWithKey, registerFleet } from "../register-fleet.ts";
import type { Service } from "../service.ts";
import type { SimulationPlan } from "../simulation/simulation.ts";
import type { Progress } from "./progress.ts";

/** Revisions of each istiod cluster, and what it takes; both lines' worth of them in each of two regions. */
const revisionsPerIstiodCluster = 50;
const capacity = { slots: 60, cpuMilli: 4_000, memoryMib: 8_192 };
const regions = ["eu-1", "us-1"] as const;
const lines = ["1.22", "1.32"] as const;
const smallTenants = 5;
const postsAtATime = 6;
const lookIntervalMs = 1_000;
const pageSize = 100;

const regionOf = (index: number): string => regions[index % regions.length] ?? "";
const numberOf = (index: number): string => String(index + 1).padStart(4, "0");

/** Clusters for so many control planes, each in a mesh cluster of its own. */
export function planLoad(controlPlanes: number): SimulationPlan {
  const groups = regions.flatMap((region) => lines.map((line) => ({ region, line })));
  const perGroup = Math.ceil(controlPlanes / revisionsPerIstiodCluster / groups.length);
  return {
    meshClusters: Array.from({ length: controlPlanes }, (_, index) => ({
      name: `mesh-${numberOf(index)}`,
      region: regionOf(index),
    })),
    istiodClusters: groups.flatMap(({ region, line }) =>
      Array.from({ length: perGroup }, (_, index) => ({
        name: `istiod-${region}-${line.replace(".", "-")}-${index + 1}`,
        region,
        line,
      })),
    ),
  };
}

/** A tenant with its client and its control planes' number. */
export interface LoadTenant {
  name: string;
  client: Client;
  controlPlanes: number;
}

/** How many control planes tenants have: one half of all, and some that share the rest. */
export function shareOut(controlPlanes: number): number[] {
  const rest = Math.floor(controlPlanes / 2);
  return [
    controlPlanes - rest,
    ...Array.from({ length: smallTenants }, (_, index) => Math.floor((rest + index) / smallTenants)),
  ];
}

/** Makes the fleet and tenants known. @param sizes how many control planes each tenant is to have */
export async function createTenants(service: Service, ground: Ground, sizes: readonly number[]): Promise<LoadTenant[]> {
  await registerFleet(service.platform, ground, capacity);
  const tenants: LoadTenant[] = [];
  for (const [index, size] of sizes.entries()) {
    const name = `tenant-${index + 1}`;
    const client = service.connect(await createTenantWithKey(service.platform, name, size));
    tenants.push({ name, client, controlPlanes: size });
  }
  return tenants;
}

/** Calls `work` for each index, a few at a time. */
async function forEachIndex(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const take = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: postsAtATime }, take));
}

/** Whose the mesh cluster of an index is. */
function findOwner(tenants: readonly LoadTenant[], index: number): LoadTenant {
  let first = 0;
  for (const tenant of tenants) {
    first += tenant.controlPlanes;
    if (index < first) return tenant;
  }
  throw new Error(`no tenant for mesh cluster ${index}`);
}

/** Connects a mesh cluster for each control plane, over REST. */
export async function orderClusters(ground: Ground, tenants: readonly LoadTenant[], progress: Progress): Promise<void> {
  const mesh = ground.status.clusters.filter(({ kind }) => kind === "mesh");
  let ordered = 0;
  await forEachIndex(mesh.length, async (index) => {
    const cluster = mesh[index];
    if (cluster === undefined) return;
    const tenant = findOwner(tenants, index);
    await tenant.client.call(operations.connectCluster, {
      params: { tenant: tenant.name },
      body: {
        name: cluster.name,
        kind: "gardener",
        seed: `seed-${cluster.region}`,
        kubeconfig: await readFile(cluster.kubeconfig, "utf8"),
      },
    });
    ordered += 1;
    progress.show("connections ordered", ordered, mesh.length);
  });
}

/** Orders a control plane for each mesh cluster, over REST; the lines take turns. */
export async function orderControlPlanes(
  ground: Ground,
  tenants: readonly LoadTenant[],
  progress: Progress,
): Promise<void> {
  const mesh = ground.status.clusters.filter(({ kind }) => kind === "mesh");
  let ordered = 0;
  await forEachIndex(mesh.length, async (index) => {
    const tenant = findOwner(tenants, index);
    const line = lines[Math.floor(index / regions.length) % lines.length] ?? lines[0];
    await tenant.client.call(operations.createControlPlane, {
      params: { tenant: tenant.name },
      body: { name: `plane-${numberOf(index)}`, cluster: mesh[index]?.name ?? "", line },
    });
    ordered += 1;
    progress.show("control planes ordered", ordered, mesh.length);
  });
}

/** Reads all pages of a tenant's clusters or control planes, and answers their phases. */
async function listPhases({ name, client }: LoadTenant, what: "clusters" | "controlPlanes"): Promise<string[]> {
  const phases: string[] = [];
  const operation = what === "clusters" ? operations.listClusters : operations.listControlPlanes;
  let cursor: string | null = null;
  do {
    const query: { limit: number; cursor?: string } = { limit: pageSize, ...(cursor === null ? {} : { cursor }) };
    const { body } = await client.call(operation, { params: { tenant: name }, query });
    phases.push(...body.items.map(({ phase }) => phase));
    cursor = body.nextCursor;
  } while (cursor !== null);
  return phases;
}

/** Waits until all are in a phase. @throws Error when they are not within the time */
export async function waitForPhase(
  tenants: readonly LoadTenant[],
  what: "clusters" | "controlPlanes",
  options: { phase: string; progress: Progress; timeoutMs: number },
): Promise<void> {
  const { phase, progress, timeoutMs } = options;
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const phases = (await Promise.all(tenants.map((tenant) => listPhases(tenant, what)))).flat();
    const done = phases.filter((found) => found === phase).length;
    const named = what === "clusters" ? "clusters" : "control planes";
    progress.show(`${named} ${phase}`, done, phases.length);
    if (done === phases.length) return;
    if (performance.now() > endMs) {
      const others = Object.entries(Object.groupBy(phases, (found) => found)).map(
        ([found, all]) => `${all?.length ?? 0} ${found}`,
      );
      throw new Error(`not all ${named} are ${phase} after ${timeoutMs / 1000} s: ${others.join(", ")}`);
    }
    await sleep(lookIntervalMs);
  }
}
