import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClusterStatus, FleetStatus } from "@pilothouse/fleet";
import { stringify } from "yaml";
import { type ApiServers, buildServerName, startApiServers } from "./api-server.ts";
import { createAuthority, createKeyPair } from "./certificates.ts";
import { createCluster, type SimulatedCluster } from "./cluster.ts";
import { type Edge, edgePorts, startEdge } from "./edge.ts";
import { readClusterName, runIstiodPods } from "./istiod-pods.ts";
import { startNameServer } from "./name-server.ts";
import { startRecordStore } from "./record-store.ts";

/** Which clusters a simulation has, in the words of a fleet's topology. */
export interface SimulationPlan {
  meshClusters: { name: string; region: string }[];
  istiodClusters: { name: string; region: string; line: string }[];
}

export interface SimulationOptions {
  name: string;
  plan: SimulationPlan;
  /** Its addresses are 127.<block>.0.1 and up; each simulation of a machine has another. */
  block: number;
  /** For kubeconfigs and the name server's credentials. */
  folder: string;
}

export interface Simulation {
  status: FleetStatus;
  stop: () => Promise<void>;
}

const domain = "istiod.simulated.invalid";

/** Starts simulated clusters with their edges and name server, all in this process and on loopback addresses alone. */
export async function startSimulation({ name, plan, block, folder }: SimulationOptions): Promise<Simulation> {
  const authority = createAuthority("simulated clusters");
  const adminToken = randomBytes(24).toString("hex");
  const hub = `127.${block}.0.1`;
  const records = await startRecordStore(hub, authority);
  const names = await startNameServer(hub, records.resolve);
  const planned = new Set([...plan.meshClusters, ...plan.istiodClusters].map((cluster) => cluster.name));
  const clusters = new Map<string, SimulatedCluster>();
  /** A cluster exists from its first call on. */
  const find = (cluster: string): SimulatedCluster | undefined => {
    const known = clusters.get(cluster);
    if (known !== undefined || !planned.has(cluster)) return known;
    const made = createCluster({
      name: cluster,
      adminToken,
      rootCertificate: authority.certificate,
      resolve: records.resolve,
    });
    clusters.set(cluster, made);
    return made;
  };
  const servers = await startApiServers(hub, authority, find);
  const edges: Edge[] = [];
  for (const [index, { name: hostName }] of plan.istiodClusters.entries()) {
    const edge = await startEdge(`127.${block}.1.${index + 1}`);
    edges.push(edge);
    const host = find(hostName);
    if (host === undefined) continue;
    runIstiodPods({ host, edge, findMesh: (tlsServerName) => find(readClusterName(tlsServerName)) });
  }
  const files = await writeFiles({ folder, plan, servers, address: hub, authority, adminToken });
  const describe = (cluster: string, region: string) => ({
    name: cluster,
    region,
    server: `https://${hub}:${servers.port}`,
    kubeconfig: join(folder, "clusters", `${cluster}.yaml`),
    auditLog: "",
    ready: true,
  });
  const described: ClusterStatus[] = [
    ...plan.meshClusters.map(({ name: cluster, region }) => ({ ...describe(cluster, region), kind: "mesh" as const })),
    ...plan.istiodClusters.map(({ name: cluster, region, line }, index) => ({
      ...describe(cluster, region),
      kind: "istiod" as const,
      line,
      edge: { address: edges[index]?.address ?? "", ports: edgePorts },
    })),
  ];
  return {
    status: {
      name,
      state: "up",
      folder,
      network: {
        cidr: "127.0.0.0/8",
        enforcesNetworkPolicy: false,
        note: "Simulated: there is no network of its own.",
      },
      dns: { domain, server: names.server, records: { endpoint: records.endpoint, prefix: records.prefix, ...files } },
      clusters: described,
      parts: [],
    },
    async stop() {
      names.stop();
      await Promise.all([records.stop(), servers.stop(), ...edges.map((edge) => edge.stop())]);
    },
  };
}

interface FileOptions {
  folder: string;
  plan: SimulationPlan;
  servers: ApiServers;
  address: string;
  authority: ReturnType<typeof createAuthority>;
  adminToken: string;
}

/** Writes kubeconfigs of administrators, and what the record store lets in. */
async function writeFiles({ folder, plan, servers, address, authority, adminToken }: FileOptions) {
  const secret = { mode: 0o600 };
  await mkdir(join(folder, "clusters"), { recursive: true, mode: 0o700 });
  const keys = createKeyPair();
  const files = {
    authorityFile: join(folder, "authority.crt"),
    certificateFile: join(folder, "records.crt"),
    keyFile: join(folder, "records.key"),
  };
  await writeFile(files.authorityFile, authority.certificate);
  await writeFile(files.certificateFile, authority.issue(keys.publicKey, [{ dns: "publisher" }]));
  await writeFile(files.keyFile, keys.privateKey, secret);
  for (const { name } of [...plan.meshClusters, ...plan.istiodClusters]) {
    const cluster = {
      server: `https://${address}:${servers.port}`,
      "tls-server-name": buildServerName(name),
      "certificate-authority-data": Buffer.from(authority.certificate).toString("base64"),
    };
    const text = stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name, cluster }],
      users: [{ name: "admin", user: { token: adminToken } }],
      contexts: [{ name, context: { cluster: name, user: "admin" } }],
      "current-context": name,
    });
    await writeFile(join(folder, "clusters", `${name}.yaml`), text, secret);
  }
  return files;
}
