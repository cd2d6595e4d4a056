import { isNewerThanOldest } from "./version-line.ts";

/**
 * What istiod itself writes into the mesh cluster and leaves there when it goes, as read in the source of both lines and seen in
 * real ones. Objects that only exist because a tenant made their counterpart (status of Ingresses, routes and ServiceEntries;
 * WorkloadEntries of registered machines, which istiod removes when the machine leaves) are the tenant's and not listed.
 */
export interface IstiodLeftover {
  apiVersion: string;
  kind: string;
  name: string;
  /** A namespace's name; `every` for one in each namespace; absent for an object of the whole cluster. */
  namespace?: string;
  /** `revision`: goes with its revision. `shared`: all revisions in the mesh cluster use one, so it goes with the last of them. */
  scope: "revision" | "shared";
  /** true for what must stay unless the tenant asks: without it the mesh loses its identity. */
  keep: boolean;
  /** Why istiod makes it. */
  reason: string;
}

/** ConfigMap in every namespace with the root certificate that proxies trust. Kubernetes' own lease namespaces have none. */
export const rootCertConfigMapName = "istio-ca-root-cert";

/** Secret with the mesh's self-signed certificate authority, shared by all revisions. */
export const caSecretName = "istio-ca-secret";

/** ConfigMap in every namespace with what the certificate authority has revoked. Istiods of the oldest line know none. */
export const revocationConfigMapName = "istio-ca-crl";

/**
 * ConfigMaps of `istio-system` on which the revisions of a mesh cluster, of whatever line, elect who does a job that is done once per
 * cluster. Their names are the same in all revisions; a revision of the other line may hold the lock.
 */
export const electionConfigMapNames = [
  "istio-leader",
  "istio-namespace-controller-election",
  // The newer line elects per revision by Lease, but takes over from this one where it exists.
  "istio-gateway-status-leader",
  "istio-ip-autoallocate",
];

/** Those of them that istiods of a line take part in. */
export function listElectionConfigMapNames(line: string): string[] {
  return electionConfigMapNames.filter((name) => name !== "istio-ip-autoallocate" || isNewerThanOldest(line));
}

/**
 * Everything that istiod of `line` with revision `revisionId` may have left in the mesh cluster. What is shared is that of all lines: the last
 * revision to go takes it away, and one of another line may have made it.
 */
export function listIstiodLeftovers(line: string, revisionId: string): IstiodLeftover[] {
  return [
    ...(isNewerThanOldest(line)
      ? [
          {
            ...inSystem("coordination.k8s.io/v1", "Lease", `istio-gateway-status-leader-${revisionId}`),
            scope: "revision" as const,
            keep: false,
            reason: "which replica of the revision writes the status of Gateway API objects",
          },
        ]
      : []),
    ...electionConfigMapNames.map((name) => ({
      ...inSystem("v1", "ConfigMap", name),
      scope: "shared" as const,
      keep: false,
      reason: "leader election among all istiods of the mesh cluster",
    })),
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      name: rootCertConfigMapName,
      namespace: "every",
      scope: "shared",
      keep: false,
      reason: "root certificate that proxies trust; proxies of another revision need it",
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      name: revocationConfigMapName,
      namespace: "every",
      scope: "shared",
      keep: false,
      reason: "revocation list of the certificate authority, empty without a plugged-in one",
    },
    ...["istio", "istio-remote"].map((name) => ({
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "GatewayClass",
      name,
      scope: "shared" as const,
      keep: false,
      reason:
        "classes of Gateway API gateways, made only where the Gateway API is installed; Gateways of the tenant name them",
    })),
    {
      ...inSystem("v1", "Secret", caSecretName),
      scope: "shared",
      keep: true,
      reason: "the mesh's certificate authority: without it every workload gets a new root",
    },
  ];
}

function inSystem(apiVersion: string, kind: string, name: string) {
  return { apiVersion, kind, name, namespace: "istio-system" };
}
