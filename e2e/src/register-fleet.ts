import { readFile } from "node:fs/promises";
import { type Client, operations } from "@pilothouse/contract";
import type { Ground } from "./ground.ts";

/** What an istiod cluster of the local fleet takes: its node is this machine, shared with everything else. */
const localCapacity = { slots: 40, cpuMilli: 4_000, memoryMib: 8_192 };

/** Makes a fleet known to the service, as an operator would: regions, seeds, lines, versions and istiod clusters. */
export async function registerFleet(platform: Client, ground: Ground, capacity = localCapacity): Promise<void> {
  const { clusters } = ground.status;
  for (const region of new Set(clusters.map((cluster) => cluster.region))) {
    await platform.call(operations.createRegion, { body: { name: region, displayName: region } });
    await platform.call(operations.createSeed, { body: { name: `seed-${region}`, region, provider: "local" } });
  }
  for (const version of ground.versions) {
    const { line, version: name, charts, image } = version;
    await platform.call(operations.createVersionLine, { body: { name: line } });
    await platform.call(operations.createVersion, { body: { name, line, charts, image } });
  }
  for (const { name, kind, region, line, edge, kubeconfig } of clusters) {
    if (kind !== "istiod" || line === undefined || edge === undefined) continue;
    await platform.call(operations.createIstiodCluster, {
      body: {
        name,
        region,
        line,
        edgeAddresses: [edge.address],
        capacity,
        kubeconfig: await readFile(kubeconfig, "utf8"),
      },
    });
  }
}

/** Makes a tenant, and answers a key of its owner. @param room how many clusters and control planes it may have; as the provider allows when absent */
export async function createTenantWithKey(platform: Client, name: string, room?: number): Promise<string> {
  const { etag } = await platform.call(operations.createTenant, { body: { name, displayName: name } });
  if (room !== undefined) {
    const limits = { clusters: room, controlPlanes: room, revisions: room };
    await platform.call(operations.changeTenant, { params: { tenant: name }, body: { limits }, ifMatch: etag ?? "*" });
  }
  const { body } = await platform.call(operations.createTenantApiKey, {
    params: { tenant: name },
    body: { name: "owner", role: "owner" },
  });
  if (body.key === null) throw new Error(`the key of ${name} was not shown`);
  return body.key;
}
