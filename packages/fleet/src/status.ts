import { join } from "node:path";
import { createApiClient } from "./cluster/api.ts";
import { isClusterDnsReady } from "./cluster/addons.ts";
import { isNodeReady } from "./cluster/node.ts";
import { recordPrefix } from "./dns.ts";
import { edgePorts } from "./edge.ts";
import { isRunning, listRecords, logFile } from "./machine/processes.ts";
import { loadManifest, type Manifest } from "./parts/manifest.ts";
import type { OutputName } from "./parts/outputs.ts";
import { controlPlaneDomain, type FleetPlan, type PlannedCluster } from "./plan.ts";
import { type FleetState, readPlan } from "./state.ts";

/** A cluster of the fleet, as scripts need it. */
export interface ClusterStatus {
  name: string;
  kind: "istiod" | "mesh";
  region: string;
  seed?: string;
  line?: string;
  /** Of Kubernetes, and of the istiod that an istiod cluster holds. */
  versions: { kubernetes: string; istiod?: string };
  server: string;
  kubeconfig: string;
  /** Where the public entry listens, on istiod clusters. */
  edge?: { address: string; ports: { webhook: number; xds: number } };
  auditLog: string;
  ready: boolean;
}

/** One program of the fleet. */
export interface PartStatus {
  name: string;
  /** Of its program, as the manifest has it. None for what only keeps namespaces open: the backbone, and nodes. */
  version?: string;
  pid: number;
  running: boolean;
  startedAt: string;
  log: string;
}

/** The answer of `fleet status --json`. */
export interface FleetStatus {
  name: string;
  state: "up" | "degraded" | "down";
  folder: string;
  network: { cidr: string; enforcesNetworkPolicy: false; note: string };
  /** Process by whose namespaces the fleet's network is entered: `nsenter --target PID --net --mount`. */
  backbonePid?: number;
  dns: {
    domain: string;
    server: string;
    /** Where records are published: an etcd, in the form of CoreDNS's etcd plugin. */
    records: { endpoint: string; prefix: string; authorityFile: string; certificateFile: string; keyFile: string };
  };
  clusters: ClusterStatus[];
  parts: PartStatus[];
}

const networkNote = "Network policies are stored and not enforced: this fleet's CNI plugin (ptp) knows none.";

const findVersion = (manifest: Manifest, output: string): string | undefined =>
  manifest.parts.find((part) => Object.keys(part.outputs).includes(output))?.version;

/** What runs as a part, by the last word of the part's name, where that is not the program's own name. */
const programs: Record<string, OutputName> = { "dns-etcd": "etcd", dns: "coredns", edge: "envoy" };

/** The version of a part's program; undefined for places, which run none of the manifest's. */
function findPartVersion(manifest: Manifest, part: string): string | undefined {
  const word = part.slice(part.lastIndexOf("/") + 1);
  return findVersion(manifest, programs[word] ?? word);
}

function findClusterVersions(manifest: Manifest, cluster: PlannedCluster): ClusterStatus["versions"] {
  const kubernetes = findVersion(manifest, "kube-apiserver") ?? "";
  const istiod = cluster.kind === "istiod" ? findVersion(manifest, `pilot-discovery-${cluster.line}`) : undefined;
  return { kubernetes, ...(istiod === undefined ? {} : { istiod }) };
}

async function readCluster(state: FleetState, manifest: Manifest, cluster: PlannedCluster): Promise<ClusterStatus> {
  const folder = join(state.folder, "clusters", cluster.name);
  const isReady = async (): Promise<boolean> => {
    const pki = join(folder, "pki");
    const leaf = { certificateFile: join(pki, "admin.crt"), keyFile: join(pki, "admin.key") };
    const api = await createApiClient(cluster.server, join(pki, "ca.crt"), leaf);
    if (!(await api.isReady())) return false;
    return (
      cluster.kind === "mesh" ||
      ((await isNodeReady(state.processes, api, cluster)) && (await isClusterDnsReady(state.processes, api, cluster)))
    );
  };
  return {
    name: cluster.name,
    kind: cluster.kind,
    region: cluster.region,
    ...(cluster.kind === "mesh"
      ? { seed: cluster.seed }
      : { line: cluster.line, edge: { address: cluster.nodeAddress, ports: edgePorts } }),
    versions: findClusterVersions(manifest, cluster),
    server: cluster.server,
    kubeconfig: join(folder, "kubeconfig"),
    auditLog: join(folder, "audit", "audit.log"),
    ready: await isReady().catch(() => false),
  };
}

/** Names of all parts that a fleet of this plan consists of. */
export function listParts(plan: FleetPlan): string[] {
  return [
    "backbone",
    "etcd",
    "dns-etcd",
    "dns",
    ...plan.clusters.flatMap((cluster) => {
      const all = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"];
      const own = cluster.kind === "istiod" ? ["node", "containerd", "kubelet", "kube-proxy", "edge"] : [];
      return [...all, ...own].map((part) => `${cluster.name}/${part}`);
    }),
  ];
}

/** Looks at a fleet. Changes nothing; undefined when there is no such fleet. */
export async function readStatus(state: FleetState): Promise<FleetStatus | undefined> {
  const saved = await readPlan(state);
  if (saved === undefined) return undefined;
  const { plan } = saved;
  const manifest = await loadManifest();
  const records = await listRecords(state.processes);
  const parts = await Promise.all(
    listParts(plan).map(async (name) => {
      const record = records.find((candidate) => candidate.part === name);
      const running = record !== undefined && (await isRunning(record));
      const version = findPartVersion(manifest, name);
      return {
        name,
        ...(version === undefined ? {} : { version }),
        pid: running ? record.pid : 0,
        running,
        startedAt: record?.startedAt ?? "",
        log: logFile(state.processes, name),
      };
    }),
  );
  const isAnyRunning = parts.some((part) => part.running);
  const clusters = await Promise.all(plan.clusters.map((cluster) => readCluster(state, manifest, cluster)));
  const isWhole = parts.every((part) => part.running) && clusters.every((cluster) => cluster.ready);
  const backbonePid = parts.find((part) => part.name === "backbone")?.pid;
  const pki = join(state.folder, "dns-etcd", "pki");
  return {
    name: state.name,
    state: isWhole ? "up" : isAnyRunning ? "degraded" : "down",
    folder: state.folder,
    network: { cidr: plan.cidr, enforcesNetworkPolicy: false, note: networkNote },
    ...(backbonePid === undefined || backbonePid === 0 ? {} : { backbonePid }),
    dns: {
      domain: controlPlaneDomain,
      server: plan.dnsAddress,
      records: {
        endpoint: `https://${plan.dnsAddress}:2379`,
        prefix: recordPrefix,
        authorityFile: join(pki, "ca.crt"),
        certificateFile: join(pki, "client.crt"),
        keyFile: join(pki, "client.key"),
      },
    },
    clusters,
    parts,
  };
}
