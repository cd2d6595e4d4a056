import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import type { FleetContext } from "../context.ts";
import { ensurePodCgroups } from "../machine/cgroups.ts";
import { placePart } from "../machine/network.ts";
import {
  enterPlace,
  findRunning,
  type ProcessScope,
  readRecord,
  startProcess,
  waitUntilReady,
} from "../machine/processes.ts";
import { runProgram } from "../machine/run.ts";
import { ensureAuthority, ensureLeaf } from "../pki.ts";
import type { PlannedIstiodCluster } from "../plan.ts";
import type { ApiClient } from "./api.ts";
import type { ClusterFiles } from "./control-plane.ts";
import { writeKubeconfig } from "./kubeconfig.ts";

/** The image of pods' sandboxes, made by this project. */
export const pauseImage = "docker.io/pilothouse/pause:1";

const socket = "/run/containerd/containerd.sock";

/** The folder of a node's own disk. */
export const nodeFolder = (context: Pick<FleetContext, "stateFolder">, cluster: PlannedIstiodCluster): string =>
  join(context.stateFolder, "nodes", cluster.name);

async function writeContainerdConfig(
  context: FleetContext,
  cluster: PlannedIstiodCluster,
  folder: string,
): Promise<string> {
  const cni = join(folder, "cni");
  await mkdir(cni, { recursive: true });
  await writeFile(
    join(cni, "10-pilothouse.conflist"),
    JSON.stringify({
      cniVersion: "1.0.0",
      name: "pilothouse",
      plugins: [
        {
          // Every packet between pods crosses the node's routing, so Services work without br_netfilter.
          type: "ptp",
          ipMasq: false,
          ipam: {
            type: "host-local",
            dataDir: "/run/cni-addresses",
            ranges: [[{ subnet: cluster.podCidr }]],
            routes: [{ dst: "0.0.0.0/0" }],
          },
        },
      ],
    }),
  );
  const file = join(folder, "containerd.toml");
  await writeFile(
    file,
    `version = 2
root = "${join(folder, "containerd")}"
state = "/run/containerd"
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt"]
[grpc]
  address = "${socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Lowering a score needs CAP_SYS_RESOURCE, which containers' and sandboxes' hosts often lack.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        BinaryName = "${context.paths["runc"]}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${context.paths["cni-plugins"]}"
    conf_dir = "${cni}"
`,
  );
  return file;
}

async function runCtr(context: FleetContext, cluster: PlannedIstiodCluster, parameters: string[]): Promise<string> {
  return runProgram(
    [
      ...(await enterPlace(context.processes, placePart(cluster))),
      context.paths["ctr"],
      "--address",
      socket,
      ...parameters,
    ],
    { environment: context.environment, timeoutMs: 60_000 },
  );
}

async function ensureContainerd(context: FleetContext, cluster: PlannedIstiodCluster, folder: string): Promise<void> {
  const part = `${cluster.name}/containerd`;
  if ((await findRunning(context.processes, part)) === undefined) {
    await startProcess(context.processes, {
      part,
      place: placePart(cluster),
      command: [context.paths["containerd"], "--config", await writeContainerdConfig(context, cluster, folder)],
      environment: context.environment,
    });
  }
  const answers = (): Promise<boolean> =>
    runCtr(context, cluster, ["version"]).then(
      () => true,
      () => false,
    );
  await waitUntilReady(context.processes, part, answers, {
    timeoutMs: 30_000,
    intervalMs: 100,
    signal: context.signal,
  });
  // Asking containerd costs more than a start does, so what it was given is written down beside it.
  const imported = join(folder, "imported-images");
  await mkdir(imported, { recursive: true });
  for (const file of context.images(cluster.line)) {
    const mark = join(imported, basename(file));
    if (existsSync(mark)) continue;
    await runCtr(context, cluster, ["--namespace", "k8s.io", "images", "import", file]);
    await writeFile(mark, "");
  }
}

async function ensureKubelet(
  context: FleetContext,
  cluster: PlannedIstiodCluster,
  files: ClusterFiles,
  folder: string,
): Promise<void> {
  const part = `${cluster.name}/kubelet`;
  if ((await findRunning(context.processes, part)) !== undefined) return;
  const authority = await ensureAuthority(join(files.folder, "pki"), "");
  const leaf = await ensureLeaf(authority, "kubelet", {
    commonName: `system:node:${cluster.name}`,
    organizations: ["system:nodes"],
    hosts: [cluster.nodeAddress, cluster.name],
  });
  const kubeconfig = await writeKubeconfig(join(files.folder, "kubelet.kubeconfig"), {
    cluster: cluster.name,
    server: cluster.server,
    authorityFile: files.authorityFile,
    user: "kubelet",
    leaf,
  });
  await ensurePodCgroups(context.processes.cgroup, cluster.name);
  const config = join(folder, "kubelet.yaml");
  await writeFile(
    config,
    stringify({
      apiVersion: "kubelet.config.k8s.io/v1beta1",
      kind: "KubeletConfiguration",
      address: cluster.nodeAddress,
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: true },
        x509: { clientCAFile: files.authorityFile },
      },
      authorization: { mode: "Webhook" },
      tlsCertFile: leaf.certificateFile,
      tlsPrivateKeyFile: leaf.keyFile,
      cgroupDriver: "cgroupfs",
      cgroupRoot: `/${context.processes.cgroup}/${cluster.name}`,
      failCgroupV1: false,
      failSwapOn: false,
      enforceNodeAllocatable: [],
      localStorageCapacityIsolation: false,
      clusterDNS: [cluster.clusterDnsAddress],
      clusterDomain: "cluster.local",
      containerRuntimeEndpoint: `unix://${socket}`,
      resolvConf: join(folder, "resolv.conf"),
      healthzBindAddress: "127.0.0.1",
      podLogsDir: join(folder, "pod-logs"),
      maxPods: 200,
      registerNode: true,
      // The first pods should not wait for the default 10 s of the node's status.
      nodeStatusUpdateFrequency: "4s",
      // A machine for development is filled by other things than this fleet.
      evictionHard: {
        "memory.available": "100Mi",
        "nodefs.available": "1%",
        "imagefs.available": "1%",
        "nodefs.inodesFree": "1%",
      },
      imageGCHighThresholdPercent: 100,
      serializeImagePulls: true,
      shutdownGracePeriod: "0s",
      kubeAPIQPS: 200,
      kubeAPIBurst: 400,
    }),
  );
  await startProcess(context.processes, {
    part,
    place: placePart(cluster),
    command: [
      context.paths["kubelet"],
      `--config=${config}`,
      `--kubeconfig=${kubeconfig}`,
      `--hostname-override=${cluster.name}`,
      `--node-ip=${cluster.nodeAddress}`,
      // The node's own, in its folder: by that folder's path, sockets below would be too long wherever a repository is not near the root.
      "--root-dir=/var/lib/kubelet",
      `--cert-dir=${join(folder, "kubelet-pki")}`,
    ],
    environment: context.environment,
  });
}

async function ensureKubeProxy(
  context: FleetContext,
  cluster: PlannedIstiodCluster,
  files: ClusterFiles,
  folder: string,
): Promise<void> {
  const part = `${cluster.name}/kube-proxy`;
  if ((await findRunning(context.processes, part)) !== undefined) return;
  const authority = await ensureAuthority(join(files.folder, "pki"), "");
  const kubeconfig = await writeKubeconfig(join(files.folder, "kube-proxy.kubeconfig"), {
    cluster: cluster.name,
    server: cluster.server,
    authorityFile: files.authorityFile,
    user: "kube-proxy",
    leaf: await ensureLeaf(authority, "kube-proxy", { commonName: "system:kube-proxy" }),
  });
  const config = join(folder, "kube-proxy.yaml");
  await writeFile(
    config,
    stringify({
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      clientConnection: { kubeconfig },
      mode: "iptables",
      clusterCIDR: cluster.podCidr,
      hostnameOverride: cluster.name,
      bindAddress: cluster.nodeAddress,
      healthzBindAddress: "127.0.0.1:10256",
      metricsBindAddress: "127.0.0.1:10249",
      // Limits of connection tracking belong to the machine, not to a node in a namespace.
      conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
      iptables: { minSyncPeriod: "100ms", syncPeriod: "30s" },
    }),
  );
  await startProcess(context.processes, {
    part,
    place: placePart(cluster),
    command: [context.paths["kube-proxy"], `--config=${config}`],
    environment: context.environment,
  });
}

const NodeSchema = z.object({
  status: z.object({
    conditions: z.array(z.object({ type: z.string(), status: z.string(), lastHeartbeatTime: z.string() })).default([]),
  }),
});

/** Whether the cluster's one node reports Ready, as said by the kubelet that runs now. Never throws. */
export async function isNodeReady(
  processes: ProcessScope,
  api: ApiClient,
  cluster: PlannedIstiodCluster,
): Promise<boolean> {
  try {
    const kubelet = await readRecord(processes, `${cluster.name}/kubelet`);
    const node = NodeSchema.parse(await api.get(`/api/v1/nodes/${cluster.name}`));
    const ready = node.status.conditions.find((condition) => condition.type === "Ready");
    if (ready === undefined || kubelet === undefined) return false;
    // Heartbeats are stored in whole seconds.
    return ready.status === "True" && Date.parse(ready.lastHeartbeatTime) + 1000 > Date.parse(kubelet.startedAt);
  } catch {
    return false;
  }
}

/** Starts what a node consists of, in its namespaces, and waits until the node is Ready. */
export async function ensureNode(
  context: FleetContext,
  cluster: PlannedIstiodCluster,
  files: ClusterFiles,
  api: Promise<ApiClient>,
): Promise<void> {
  const folder = nodeFolder(context, cluster);
  await ensureContainerd(context, cluster, folder);
  const ready = await api;
  await ensureKubelet(context, cluster, files, folder);
  await ensureKubeProxy(context, cluster, files, folder);
  await waitUntilReady(
    context.processes,
    `${cluster.name}/kubelet`,
    () => isNodeReady(context.processes, ready, cluster),
    {
      timeoutMs: 60_000,
      intervalMs: 200,
      signal: context.signal,
    },
  );
}
