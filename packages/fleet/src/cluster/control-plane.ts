import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FleetContext } from "../context.ts";
import { backbonePart } from "../machine/network.ts";
import { findRunning, startProcess, waitUntilReady } from "../machine/processes.ts";
import { ensureAuthority, ensureLeaf, ensureServiceAccountKey, type KeyPairFiles } from "../pki.ts";
import { baseDomain, type PlannedCluster } from "../plan.ts";
import { type ApiClient, createApiClient } from "./api.ts";
import { writeKubeconfig } from "./kubeconfig.ts";

/** Files of a cluster that others need: who signs, who administers. */
export interface ClusterFiles {
  folder: string;
  authorityFile: string;
  admin: KeyPairFiles;
  /** Kubeconfig of the administrator, for people and tests. */
  kubeconfig: string;
  serving: KeyPairFiles;
  kubeletClient: KeyPairFiles;
  serviceAccountKey: KeyPairFiles;
}

/** Makes what a cluster signs and is known by: its own authority, service-account key and kubeconfigs. */
export async function ensureClusterFiles(context: FleetContext, cluster: PlannedCluster): Promise<ClusterFiles> {
  const folder = join(context.stateFolder, "clusters", cluster.name);
  const authority = await ensureAuthority(join(folder, "pki"), `${cluster.name} authority`);
  const hosts = [
    cluster.address,
    cluster.kubernetesServiceAddress,
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    `${cluster.name}.api.${baseDomain}`,
  ];
  const [serving, admin, kubeletClient, serviceAccountKey] = await Promise.all([
    ensureLeaf(authority, "kube-apiserver", { commonName: "kube-apiserver", hosts }),
    ensureLeaf(authority, "admin", { commonName: "fleet-admin", organizations: ["system:masters"] }),
    ensureLeaf(authority, "kubelet-client", {
      commonName: "kube-apiserver-kubelet-client",
      organizations: ["system:masters"],
    }),
    ensureServiceAccountKey(join(folder, "pki")),
  ]);
  const common = { cluster: cluster.name, server: cluster.server, authorityFile: authority.certificateFile };
  const kubeconfig = join(folder, "kubeconfig");
  await Promise.all([
    writeKubeconfig(kubeconfig, { ...common, user: "fleet-admin", leaf: admin }),
    ...["kube-controller-manager", "kube-scheduler"].map(async (component) => {
      const leaf = await ensureLeaf(authority, component, { commonName: `system:${component}` });
      await writeKubeconfig(join(folder, `${component}.kubeconfig`), { ...common, user: component, leaf });
    }),
  ]);
  return {
    folder,
    authorityFile: authority.certificateFile,
    admin,
    kubeconfig,
    serving,
    kubeletClient,
    serviceAccountKey,
  };
}

/** Audit of who used which token, without bodies: tests read from it when a credential was last seen. */
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ["system:serviceaccounts:istio-system", "system:serviceaccounts:pilothouse-system"]
  - level: None
`;

/** Name of a cluster's API server part. */
const apiServerPart = (cluster: PlannedCluster): string => `${cluster.name}/kube-apiserver`;

async function startApiServer(context: FleetContext, cluster: PlannedCluster, files: ClusterFiles): Promise<void> {
  const part = apiServerPart(cluster);
  if ((await findRunning(context.processes, part)) !== undefined) return;
  const policyFile = join(files.folder, "audit-policy.yaml");
  await writeFile(policyFile, auditPolicy);
  await mkdir(join(files.folder, "audit"), { recursive: true });
  await startProcess(context.processes, {
    part,
    place: backbonePart,
    command: [
      context.paths["kube-apiserver"],
      `--advertise-address=${cluster.address}`,
      `--bind-address=${cluster.address}`,
      "--secure-port=6443",
      `--etcd-servers=https://${context.plan.etcdAddress}:2379`,
      `--etcd-prefix=/${cluster.name}`,
      `--etcd-cafile=${context.etcd.authorityFile}`,
      `--etcd-certfile=${context.etcd.client.certificateFile}`,
      `--etcd-keyfile=${context.etcd.client.keyFile}`,
      `--service-cluster-ip-range=${cluster.serviceCidr}`,
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction",
      "--anonymous-auth=false",
      `--client-ca-file=${files.authorityFile}`,
      `--tls-cert-file=${files.serving.certificateFile}`,
      `--tls-private-key-file=${files.serving.keyFile}`,
      `--kubelet-certificate-authority=${files.authorityFile}`,
      `--kubelet-client-certificate=${files.kubeletClient.certificateFile}`,
      `--kubelet-client-key=${files.kubeletClient.keyFile}`,
      "--kubelet-preferred-address-types=InternalIP",
      `--service-account-issuer=https://${cluster.name}.api.${baseDomain}`,
      `--service-account-key-file=${files.serviceAccountKey.certificateFile}`,
      `--service-account-signing-key-file=${files.serviceAccountKey.keyFile}`,
      `--audit-policy-file=${policyFile}`,
      `--audit-log-path=${join(files.folder, "audit", "audit.log")}`,
      "--audit-log-maxsize=20",
      "--audit-log-maxbackup=1",
      "--profiling=false",
    ],
  });
}

async function startController(
  context: FleetContext,
  cluster: PlannedCluster,
  files: ClusterFiles,
  component: "kube-controller-manager" | "kube-scheduler",
): Promise<void> {
  const part = `${cluster.name}/${component}`;
  if ((await findRunning(context.processes, part)) !== undefined) return;
  const kubeconfig = join(files.folder, `${component}.kubeconfig`);
  const own =
    component === "kube-scheduler"
      ? []
      : [
          `--cluster-signing-cert-file=${files.authorityFile}`,
          `--cluster-signing-key-file=${join(files.folder, "pki", "ca.key")}`,
          `--root-ca-file=${files.authorityFile}`,
          `--service-account-private-key-file=${files.serviceAccountKey.keyFile}`,
          "--use-service-account-credentials=true",
          `--service-cluster-ip-range=${cluster.serviceCidr}`,
        ];
  await startProcess(context.processes, {
    part,
    place: backbonePart,
    command: [
      context.paths[component],
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      `--bind-address=${cluster.address}`,
      // One of each: an election would only delay a start after a crash by the old lease.
      "--leader-elect=false",
      "--profiling=false",
      ...own,
    ],
  });
}

/** Starts API server, controller manager and scheduler of a cluster and waits until the API server is ready. */
export async function ensureControlPlane(
  context: FleetContext,
  cluster: PlannedCluster,
  files: ClusterFiles,
): Promise<ApiClient> {
  await startApiServer(context, cluster, files);
  const api = await createApiClient(cluster.server, files.authorityFile, files.admin);
  await waitUntilReady(context.processes, apiServerPart(cluster), () => api.isReady(), {
    timeoutMs: 90_000,
    intervalMs: 200,
    signal: context.signal,
  });
  await Promise.all([
    startController(context, cluster, files, "kube-controller-manager"),
    startController(context, cluster, files, "kube-scheduler"),
  ]);
  return api;
}
