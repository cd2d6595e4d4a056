import type { PolicyRule } from "../istio/rights-types.ts";
import { istioSystem } from "../istio/names.ts";
import type { KubeObject } from "../kube/types.ts";
import { labelsForCluster } from "../labels.ts";
import { probeAccount, probeNamespace } from "../prove/types.ts";
import { identityNamespace, lineRoleNames } from "../revision/identity.ts";
import { clusterNames } from "./cluster-names.ts";
import type { LineRights } from "./line-rights.ts";
import { listPilothouseRights } from "./pilothouse-rights.ts";

/** What connecting installs, in the order in which it is installed. */
export interface ObjectPlan {
  /** Owns all others but istio-system and what lies within namespaces that it owns. */
  anchor: KubeObject;
  namespaces: KubeObject[];
  /** Rights of Pilothouse and of each line's istiod, given to nobody yet. */
  roles: KubeObject[];
  /** ServiceAccounts, and the bindings of Pilothouse's. */
  identities: KubeObject[];
}

const rbacGroup = "rbac.authorization.k8s.io";
const rbac = `${rbacGroup}/v1`;

/**
 * Plans the objects of a mesh cluster's connection. Nothing but tokens' Secrets comes on top.
 *
 * @param anchorUid UID of the anchor in the cluster; the plan of before it exists has any
 * @param ownsSystemNamespace false when istio-system is the tenant's: then it is left as it is
 */
export function planObjects(
  clusterId: string,
  rights: LineRights,
  { anchorUid, ownsSystemNamespace }: { anchorUid: string; ownsSystemNamespace: boolean },
): ObjectPlan {
  const labels = labelsForCluster(clusterId);
  const { pilothouse } = clusterNames;
  const own = listPilothouseRights(
    rights.lines.map(({ line }) => line),
    rights.customResourceDefinitions,
  );
  const ownerReferences = [{ apiVersion: rbac, kind: "ClusterRole", name: clusterNames.anchor, uid: anchorUid }];
  const owned = (name: string, namespace?: string) => ({
    name,
    ...(namespace === undefined ? {} : { namespace }),
    labels,
    ownerReferences,
  });
  const within = (name: string, namespace: string) => ({ name, namespace, labels });
  const clusterRole = (name: string, rules: PolicyRule[]) => ({
    apiVersion: rbac,
    kind: "ClusterRole",
    metadata: owned(name),
    rules,
  });
  const account = (name: string, namespace: string) => ({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: within(name, namespace),
    automountServiceAccountToken: false,
  });
  const subjects = [{ kind: "ServiceAccount", name: pilothouse, namespace: identityNamespace }];
  const roleRef = (kind: string) => ({ apiGroup: rbacGroup, kind, name: pilothouse });
  const namespaced = [
    { metadata: within(pilothouse, identityNamespace), rules: own.own },
    // The two in istio-system don't go with their namespace, which may stay.
    { metadata: owned(pilothouse, istioSystem), rules: own.system },
    { metadata: within(pilothouse, probeNamespace), rules: own.probe },
  ];
  return {
    anchor: { apiVersion: rbac, kind: "ClusterRole", metadata: { name: clusterNames.anchor, labels }, rules: [] },
    namespaces: [
      createNamespace(owned(identityNamespace)),
      createNamespace(owned(probeNamespace)),
      ...(ownsSystemNamespace
        ? [{ apiVersion: "v1", kind: "Namespace", metadata: { name: istioSystem, labels } }]
        : []),
    ],
    roles: [
      clusterRole(pilothouse, own.cluster),
      ...rights.lines.flatMap(({ line, clusterRules, reviewRules, systemRules }) => [
        clusterRole(lineRoleNames.cluster(line), clusterRules),
        clusterRole(lineRoleNames.reviews(line), reviewRules),
        clusterRole(lineRoleNames.system(line), systemRules),
      ]),
      ...namespaced.map(({ metadata, rules }) => ({ apiVersion: rbac, kind: "Role", metadata, rules })),
    ],
    identities: [
      account(pilothouse, identityNamespace),
      account(probeAccount, probeNamespace),
      {
        apiVersion: rbac,
        kind: "ClusterRoleBinding",
        metadata: owned(pilothouse),
        roleRef: roleRef("ClusterRole"),
        subjects,
      },
      ...namespaced.map(({ metadata }) => ({
        apiVersion: rbac,
        kind: "RoleBinding",
        metadata,
        roleRef: roleRef("Role"),
        subjects,
      })),
    ],
  };
}

/** Nothing of Pilothouse's ever runs in these two namespaces, and nothing that runs there may harm a node. */
function createNamespace(metadata: KubeObject["metadata"]): KubeObject {
  const labels = { ...metadata.labels, "pod-security.kubernetes.io/enforce": "restricted" };
  return { apiVersion: "v1", kind: "Namespace", metadata: { ...metadata, labels } };
}

/** All objects of a plan but the anchor. */
export function listPlanned(plan: ObjectPlan): KubeObject[] {
  return [...plan.namespaces, ...plan.roles, ...plan.identities];
}
