import { istioSystem } from "../istio/names.ts";
import { selectorForCluster } from "../labels.ts";
import { probeNamespace } from "../prove/types.ts";
import { identityNamespace } from "../revision/identity.ts";
import type { Leftover } from "../revision/remove-revision.ts";
import { clusterNames } from "./cluster-names.ts";

/** What may be left of a connection when Pilothouse could not remove it, with the commands that remove it. */
export function listConnectionLeftovers(clusterId: string): Leftover[] {
  const selector = selectorForCluster(clusterId);
  const { anchor } = clusterNames;
  return [
    {
      cluster: clusterId,
      what: `ClusterRole ${anchor}, and what it owns`,
      command: `kubectl delete clusterrole ${anchor} --ignore-not-found`,
    },
    {
      cluster: clusterId,
      what: "Pilothouse's ClusterRoles and ClusterRoleBindings",
      command: `kubectl delete clusterrolebindings,clusterroles -l ${selector}`,
    },
    {
      cluster: clusterId,
      what: `Pilothouse's Role and RoleBinding in ${istioSystem}`,
      command: `kubectl -n ${istioSystem} delete rolebindings,roles -l ${selector}`,
    },
    {
      cluster: clusterId,
      what: `Namespaces ${identityNamespace} and ${probeNamespace}`,
      command: `kubectl delete namespace ${identityNamespace} ${probeNamespace} --ignore-not-found`,
    },
  ];
}
