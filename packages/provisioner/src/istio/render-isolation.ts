import ipaddr from "ipaddr.js";
import { ProvisionerError } from "../errors.ts";
import type { KubeObject } from "../kube/types.ts";
import type { Revision } from "../types.ts";
import { istiodResources } from "./istiod-deployment.ts";
import { buildObjectMeta, buildRevisionLabels, istiodName, type MeshFacts } from "./names.ts";

/** When each address of the API server was last seen, as JSON, on the policy that opens them. */
export const apiServerAddressesAnnotation = "pilothouse.io/api-server-addresses";

/** Where istiod reaches the API server of its mesh cluster. */
export interface ApiServerAddresses {
  addresses: string[];
  port: number;
  /** Of a server that is reached by a name: when each address was last seen, in ISO 8601. */
  seen?: Readonly<Record<string, string>>;
}

/**
 * Where nodes answer DNS themselves: the address that NodeLocal DNSCache takes by default
 * (https://kubernetes.io/docs/tasks/administer-cluster/nodelocaldns/).
 */
const nodeLocalDnsCidr = "169.254.20.10/32";

/** Where connections to a revision may come from. Nodes may always reach their own pods; that is how the kubelet probes. */
export interface IsolationSources {
  /** Labels of the namespace the edge runs in. Default: `pilothouse.io/component: edge`. */
  edgeNamespaceLabels?: Record<string, string>;
  /** Addresses the edge connects from when it is no pod, or a pod of its node's network, as CIDR ranges: its own, or the nodes'. */
  edgeCidrs?: string[];
  /** Labels of the namespace metrics are collected from. Default: `pilothouse.io/component: monitoring`. */
  monitoringNamespaceLabels?: Record<string, string>;
}

/**
 * What keeps a revision apart from all others in its istiod cluster, in the order to apply: Namespace (restricted Pod Security),
 * ResourceQuota, LimitRange, NetworkPolicies. They come before everything else of the revision.
 *
 * Network: nothing goes in or out but connections from the edge to webhooks (15017) and xDS (15012), from monitoring to metrics (15014), to
 * the cluster's DNS, and to the mesh cluster's API server. istiod follows addresses that a tenant writes (remote secrets, key
 * servers); this is what stops it from reaching the provider's network with them. NetworkPolicies bind only where the cluster's network
 * enforces them.
 *
 * @param apiServer The addresses that the host of `mesh.server` has now, and had lately, and its port. Render again when they change.
 * @throws ProvisionerError `NoApiServerAddress` or `InvalidAddress`.
 */
export function renderIsolation(
  revision: Pick<Revision, "id" | "tenant" | "controlPlane" | "replicas">,
  mesh: Pick<MeshFacts, "id">,
  apiServer: ApiServerAddresses,
  sources: IsolationSources = {},
): KubeObject[] {
  return [
    buildNamespace(revision, mesh),
    buildQuota(revision, mesh),
    buildLimitRange(revision, mesh),
    buildDefaultDeny(revision, mesh),
    buildIstiodPolicy(revision, mesh, apiServer, sources),
  ];
}

type Owner = Pick<Revision, "id" | "tenant" | "controlPlane" | "replicas">;
type Mesh = Pick<MeshFacts, "id">;

function buildNamespace(revision: Owner, mesh: Mesh): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: revision.id,
      labels: {
        ...buildRevisionLabels(revision, mesh),
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": "latest",
      },
    },
  };
}

/** Twice the replicas (a rollout has old and new ones) and one more that may still be ending; nothing that reaches outside. */
function buildQuota(revision: Owner, mesh: Mesh): KubeObject {
  const pods = 2 * revision.replicas + 1;
  const { requests, limits } = istiodResources;
  return {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: buildObjectMeta(revision, mesh, istiodName),
    spec: {
      hard: {
        pods: String(pods),
        "requests.cpu": `${pods * Number.parseInt(requests.cpu, 10)}m`,
        "requests.memory": `${pods * Number.parseInt(requests.memory, 10)}Mi`,
        "limits.cpu": String(pods * Number.parseInt(limits.cpu, 10)),
        "limits.memory": `${pods * Number.parseInt(limits.memory, 10)}Gi`,
        secrets: "4",
        configmaps: "6",
        services: "2",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
        persistentvolumeclaims: "0",
      },
    },
  };
}

/** A container that says nothing of its own gets istiod's sizes: the quota refuses one without. */
function buildLimitRange(revision: Owner, mesh: Mesh): KubeObject {
  return {
    apiVersion: "v1",
    kind: "LimitRange",
    metadata: buildObjectMeta(revision, mesh, istiodName),
    spec: {
      limits: [{ type: "Container", defaultRequest: istiodResources.requests, default: istiodResources.limits }],
    },
  };
}

function buildDefaultDeny(revision: Owner, mesh: Mesh): KubeObject {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: buildObjectMeta(revision, mesh, "deny-all"),
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  };
}

function buildIstiodPolicy(
  revision: Owner,
  mesh: Mesh,
  apiServer: ApiServerAddresses,
  sources: IsolationSources,
): KubeObject {
  if (apiServer.addresses.length === 0) {
    throw new ProvisionerError(
      "transient",
      "NoApiServerAddress",
      "The mesh cluster's API server has no address to let istiod through to. Check that its name resolves.",
      { parameter: "mesh.server" },
    );
  }
  const metadata = buildObjectMeta(revision, mesh, istiodName);
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata:
      apiServer.seen === undefined
        ? metadata
        : { ...metadata, annotations: { [apiServerAddressesAnnotation]: JSON.stringify(apiServer.seen) } },
    spec: {
      podSelector: { matchLabels: { app: istiodName } },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          from: [
            {
              namespaceSelector: { matchLabels: sources.edgeNamespaceLabels ?? { "pilothouse.io/component": "edge" } },
            },
            ...(sources.edgeCidrs ?? []).map((cidr) => ({ ipBlock: { cidr } })),
          ],
          ports: [tcp(15012), tcp(15017)],
        },
        {
          from: [
            {
              namespaceSelector: {
                matchLabels: sources.monitoringNamespaceLabels ?? { "pilothouse.io/component": "monitoring" },
              },
            },
          ],
          ports: [tcp(15014)],
        },
      ],
      egress: [
        {
          to: [
            { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } } },
            { ipBlock: { cidr: nodeLocalDnsCidr } },
          ],
          ports: [{ protocol: "UDP", port: 53 }, tcp(53)],
        },
        {
          to: [...new Set(apiServer.addresses.map(toSingleAddressCidr))]
            .toSorted()
            .map((cidr) => ({ ipBlock: { cidr } })),
          ports: [tcp(apiServer.port)],
        },
      ],
    },
  };
}

function toSingleAddressCidr(address: string): string {
  if (!ipaddr.isValid(address)) {
    throw new ProvisionerError(
      "user",
      "InvalidAddress",
      `"${address}" is no IP address of the mesh cluster's API server.`,
      {
        parameter: "mesh.server",
      },
    );
  }
  const parsed = ipaddr.process(address);
  return `${parsed.toString()}/${parsed.kind() === "ipv4" ? 32 : 128}`;
}

function tcp(port: number): { protocol: "TCP"; port: number } {
  return { protocol: "TCP", port };
}
