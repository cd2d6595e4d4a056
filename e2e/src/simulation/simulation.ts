import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { ClusterStatus, FleetStatus } from "@pilothouse/fleet";
import { writeKubeconfig, writePublisherFiles } from "./access-files.ts";
import { apiPort, startApiServer } from "./api-server.ts";
import { createAuthority } from "./certificates.ts";
import { createCluster, type SimulatedCluster } from "./cluster.ts";
import { simulatedVersion } from "./discovery.ts";
import { edgePorts, startEdge } from "./edge.ts";
import { runIstiodPods } from "./istiod-pods.ts";
import { startNameServer } from "./name-server.ts";
import { startRecordStore } from "./record-store.ts";

/** Which clusters a simulation has, in the words of a fleet's topology. */
export interface SimulationPlan {
  meshClusters: {
    name: string;
    region: string;
    /** How many its workloads would have, as istiods count them; none when absent. */
    proxies?: number | undefined;
  }[];
  istiodClusters: { name: string; region: string; line: string }[];
}

export interface SimulationOptions {
  name: string;
  plan: SimulationPlan;
  /** All its addresses are in 127.<block>.0.0/16; each simulation of a machine has another. */
  block: number;
  /** For kubeconfigs and the name server's credentials. */
  folder: string;
}

export interface Simulation {
  status: FleetStatus;
  /** Takes away, or gives back, the entry of a cluster: an istiod cluster's edge, a mesh cluster's API server. */
  setOpen: (cluster: string, isOpen: boolean) => Promise<void>;
  stop: () => Promise<void>;
}

interface Stoppable {
  stop: () => Promise<void>;
}

interface Entry {
  setOpen: (isOpen: boolean) => Promise<void>;
}

/** Parent domain of the istiods' names; nobody else can have it. */
const domain = "istiod.pilothouse.example";
const perSubnet = 250;

/** Starts simulated clusters with their edges and name server, all in this process and on loopback addresses alone. */
export async function startSimulation({ name, plan, block, folder }: SimulationOptions): Promise<Simulation> {
  await mkdir(join(folder, "clusters"), { recursive: true, mode: 0o700 });
  const hub = `127.${block}.0.1`;
  const publishers = createAuthority("simulated name server");
  const records = await startRecordStore(hub, publishers);
  const names = await startNameServer(hub, records.resolve);
  const running: Stoppable[] = [records, names];
  const byServer = new Map<string, () => SimulatedCluster>();
  const entries = new Map<string, Entry>();
  let made = 0;

  /** Starts a cluster, whose storage exists from its first call on. */
  async function start(
    cluster: string,
    proxies = 0,
  ): Promise<{ find: () => SimulatedCluster; server: string; kubeconfig: string }> {
    const address = `127.${block}.${2 + Math.floor(made / perSubnet)}.${1 + (made % perSubnet)}`;
    made += 1;
    const authority = createAuthority(`kubernetes of ${cluster}`);
    let known: SimulatedCluster | undefined;
    const find = (): SimulatedCluster =>
      (known ??= createCluster({
        name: cluster,
        rootCertificate: authority.certificate,
        resolve: records.resolve,
        proxies,
      }));
    const apiServer = await startApiServer(address, authority, find);
    running.push(apiServer);
    entries.set(cluster, apiServer);
    const server = `https://${address}:${apiPort}`;
    byServer.set(server, find);
    const kubeconfig = join(folder, "clusters", `${cluster}.yaml`);
    await writeKubeconfig(kubeconfig, { name: cluster, server, authority });
    return { find, server, kubeconfig };
  }

  const clusters: ClusterStatus[] = [];
  for (const { name: cluster, region, proxies } of plan.meshClusters) {
    const { server, kubeconfig } = await start(cluster, proxies);
    const versions = { kubernetes: simulatedVersion };
    clusters.push({ name: cluster, kind: "mesh", region, versions, server, kubeconfig, auditLog: "", ready: true });
  }
  for (const [index, { name: cluster, region, line }] of plan.istiodClusters.entries()) {
    const { find, server, kubeconfig } = await start(cluster);
    const edge = await startEdge(`127.${block}.1.${index + 1}`);
    running.push(edge);
    entries.set(cluster, edge);
    runIstiodPods({ host: find(), edge, findMesh: (url) => byServer.get(url)?.() });
    const versions = { kubernetes: simulatedVersion, istiod: line };
    const place = { line, versions, edge: { address: edge.address, ports: edgePorts } };
    clusters.push({ name: cluster, kind: "istiod", region, ...place, server, kubeconfig, auditLog: "", ready: true });
  }
  const files = await writePublisherFiles(folder, publishers);
  return {
    status: {
      name,
      state: "up",
      folder,
      network: {
        cidr: `127.${block}.0.0/16`,
        enforcesNetworkPolicy: false,
        note: "Simulated clusters have no network of their own.",
      },
      dns: { domain, server: names.server, records: { endpoint: records.endpoint, prefix: records.prefix, ...files } },
      clusters,
      parts: [],
    },
    async setOpen(cluster, isOpen) {
      const entry = entries.get(cluster);
      if (entry === undefined) throw new Error(`no cluster ${cluster} is simulated`);
      await entry.setOpen(isOpen);
    },
    async stop() {
      await Promise.all(running.map((part) => part.stop()));
    },
  };
}
