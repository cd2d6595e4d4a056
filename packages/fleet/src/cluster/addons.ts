import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { FleetContext } from "../context.ts";
import { answersName } from "../dns.ts";
import { FleetError } from "../errors.ts";
import { placePart } from "../machine/network.ts";
import { type ProcessScope, readRecord } from "../machine/processes.ts";
import type { PlannedIstiodCluster } from "../plan.ts";
import type { ApiClient } from "./api.ts";

/** The image of the clusters' own CoreDNS, made from the same program as the fleet's. */
export const coreDnsImage = "docker.io/pilothouse/coredns:1.15.0";

const namespace = "kube-system";
/** Above 1024, so that the pod needs no privilege. */
const podPort = 1053;
const labels = { "k8s-app": "kube-dns" };

function coreDnsObjects(context: FleetContext, cluster: PlannedIstiodCluster): { path: string; object: object }[] {
  const rbac = "rbac.authorization.k8s.io";
  const metadata = { name: "coredns", namespace };
  const corefile = `.:${podPort} {
    errors
    ready :8181
    kubernetes cluster.local in-addr.arpa {
        pods disabled
        ttl 1
    }
    forward . ${context.plan.dnsAddress}
    loop
}
`;
  return [
    {
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/coredns`,
      object: { apiVersion: "v1", kind: "ServiceAccount", metadata },
    },
    {
      path: `/apis/${rbac}/v1/clusterroles/system:coredns`,
      object: {
        apiVersion: `${rbac}/v1`,
        kind: "ClusterRole",
        metadata: { name: "system:coredns" },
        rules: [
          { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs: ["list", "watch"] },
          { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
        ],
      },
    },
    {
      path: `/apis/${rbac}/v1/clusterrolebindings/system:coredns`,
      object: {
        apiVersion: `${rbac}/v1`,
        kind: "ClusterRoleBinding",
        metadata: { name: "system:coredns" },
        roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "system:coredns" },
        subjects: [{ kind: "ServiceAccount", ...metadata }],
      },
    },
    {
      path: `/api/v1/namespaces/${namespace}/configmaps/coredns`,
      object: { apiVersion: "v1", kind: "ConfigMap", metadata, data: { Corefile: corefile } },
    },
    {
      path: `/api/v1/namespaces/${namespace}/services/kube-dns`,
      object: {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "kube-dns", namespace },
        spec: {
          clusterIP: cluster.clusterDnsAddress,
          selector: labels,
          ports: [
            { name: "dns", port: 53, targetPort: podPort, protocol: "UDP" },
            { name: "dns-tcp", port: 53, targetPort: podPort, protocol: "TCP" },
          ],
        },
      },
    },
    {
      path: `/apis/apps/v1/namespaces/${namespace}/deployments/coredns`,
      object: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata,
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: {
              serviceAccountName: "coredns",
              dnsPolicy: "Default",
              priorityClassName: "system-cluster-critical",
              containers: [
                {
                  name: "coredns",
                  image: coreDnsImage,
                  imagePullPolicy: "Never",
                  args: ["-conf", "/etc/coredns/Corefile"],
                  resources: { requests: { cpu: "20m", memory: "40Mi" }, limits: { memory: "170Mi" } },
                  readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 1 },
                  securityContext: {
                    allowPrivilegeEscalation: false,
                    capabilities: { drop: ["ALL"] },
                    runAsNonRoot: true,
                    readOnlyRootFilesystem: true,
                  },
                  volumeMounts: [{ name: "config", mountPath: "/etc/coredns", readOnly: true }],
                },
              ],
              volumes: [{ name: "config", configMap: { name: "coredns" } }],
            },
          },
        },
      },
    },
  ];
}

const PodsSchema = z.object({
  items: z.array(
    z.object({
      status: z.object({
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
        containerStatuses: z
          .array(z.object({ state: z.object({ running: z.object({ startedAt: z.string() }).optional() }).default({}) }))
          .default([]),
      }),
    }),
  ),
});

/**
 * Whether the cluster's own DNS answers at its Service's address: pod, kube-proxy and routes in one look. A pod that is said to be ready
 * and began before its node did is one of a node that is gone: an answer then is the last one for a moment, until the kubelet has
 * reported the pod that took its place. Never throws.
 */
export async function isClusterDnsReady(
  processes: ProcessScope,
  api: ApiClient,
  cluster: PlannedIstiodCluster,
): Promise<boolean> {
  const selector = new URLSearchParams({ labelSelector: "k8s-app=kube-dns" });
  try {
    const node = await readRecord(processes, placePart(cluster));
    const { items } = PodsSchema.parse(await api.get(`/api/v1/namespaces/${namespace}/pods?${selector}`));
    const isOfThisNode = items.some(({ status }) => {
      const isReady = status.conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
      const startedAt = status.containerStatuses[0]?.state.running?.startedAt;
      // The start of a container is stored in whole seconds.
      return isReady && startedAt !== undefined && Date.parse(startedAt) + 1000 > Date.parse(node?.startedAt ?? "");
    });
    if (!isOfThisNode) return false;
  } catch {
    return false;
  }
  return answersName(
    cluster.clusterDnsAddress,
    "kubernetes.default.svc.cluster.local",
    cluster.kubernetesServiceAddress,
  );
}

/** Applies the cluster's own DNS, whose records the edge needs. */
export async function applyClusterDns(
  context: FleetContext,
  cluster: PlannedIstiodCluster,
  api: ApiClient,
): Promise<void> {
  for (const { path, object } of coreDnsObjects(context, cluster)) await api.apply(path, object);
}

/** Waits until the cluster's DNS answers. */
export async function waitForClusterDns(
  context: FleetContext,
  cluster: PlannedIstiodCluster,
  api: ApiClient,
): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!(await isClusterDnsReady(context.processes, api, cluster))) {
    context.signal.throwIfAborted();
    if (performance.now() > deadlineMs) {
      throw new FleetError(
        `The DNS of ${cluster.name} does not answer after 60 s. Look at: npm run fleet -- logs ${cluster.name}/kubelet, and kubectl -n kube-system describe pods`,
      );
    }
    await sleep(200);
  }
}
