import {
  caSecretName,
  electionConfigMapNames,
  revocationConfigMapName,
  rootCertConfigMapName,
} from "../istio/istiod-leftovers.ts";
import type { PolicyRule } from "../istio/rights-types.ts";
import { istioSystem } from "../istio/names.ts";
import { probeAccount } from "../prove/types.ts";
import { lineRoleNames } from "../revision/identity.ts";
import { clusterNames } from "./cluster-names.ts";

/** What Pilothouse's own identity may do in a mesh cluster: in all of it, and in each of three namespaces. */
export interface PilothouseRights {
  cluster: PolicyRule[];
  /** In pilothouse-system, where its identities live. */
  own: PolicyRule[];
  /** In istio-system. */
  system: PolicyRule[];
  /** In pilothouse-probe. */
  probe: PolicyRule[];
}

const rbac = "rbac.authorization.k8s.io";

/** A Secret with a certificate authority of the tenant's own, which istiod prefers to making one. Never read, never deleted. */
export const pluggedInCaSecretName = "cacerts";

/** GatewayClasses that istiod makes where the Gateway API is installed. */
const istiodGatewayClasses = ["istio", "istio-remote"];

/** ConfigMaps that istiod writes into every namespace. */
const distributedConfigMaps = [rootCertConfigMapName, revocationConfigMapName];

/**
 * The rights that applying, proving, renewing and removing need, and no others.
 *
 * Wide, because RBAC can't name what isn't known yet: webhook configurations and ClusterRoleBindings, whose names carry the revision.
 * The latter can only bind what `bind` names. Server-side apply asks for `create` with the object's name, so that
 * CustomResourceDefinitions are limited to Istio's although a plain POST could not be.
 */
export function listPilothouseRights(lines: string[], customResourceDefinitions: string[]): PilothouseRights {
  const lineRoles = lines.flatMap((line) => [
    lineRoleNames.cluster(line),
    lineRoleNames.system(line),
    lineRoleNames.reviews(line),
  ]);
  return {
    cluster: [
      rule("", ["namespaces"], ["get", "list"]),
      rule("", ["namespaces"], ["delete"], [istioSystem]),
      rule("", ["configmaps"], ["get", "list", "delete"], distributedConfigMaps),
      rule("apiextensions.k8s.io", ["customresourcedefinitions"], ["list"]),
      rule(
        "apiextensions.k8s.io",
        ["customresourcedefinitions"],
        ["get", "create", "patch", "delete"],
        customResourceDefinitions,
      ),
      rule(
        "admissionregistration.k8s.io",
        ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
        ["get", "list", "create", "patch", "delete"],
      ),
      rule(rbac, ["clusterroles"], ["get", "bind"], lineRoles),
      rule(rbac, ["clusterroles"], ["get", "delete"], [clusterNames.anchor]),
      rule(rbac, ["clusterrolebindings"], ["get", "list", "create", "patch", "delete"]),
      rule("gateway.networking.k8s.io", ["gatewayclasses"], ["get", "delete"], istiodGatewayClasses),
    ],
    own: [
      rule("", ["serviceaccounts"], ["get", "list", "create", "patch", "delete"]),
      rule("", ["serviceaccounts/token"], ["create"]),
      rule("", ["secrets"], ["get", "list", "create", "delete"]),
    ],
    system: [
      rule(rbac, ["rolebindings"], ["get", "list", "create", "patch", "delete"]),
      rule("coordination.k8s.io", ["leases"], ["get", "list", "delete"]),
      rule("", ["configmaps"], ["get", "delete"], electionConfigMapNames),
      // Of the second only whether it is there, by a dry run: reading it would show a private key.
      rule("", ["secrets"], ["delete"], [caSecretName, pluggedInCaSecretName]),
      // To see that nothing of the tenant's is there before the namespace is removed.
      rule("", ["configmaps", "pods", "serviceaccounts", "services"], ["list"]),
      rule("apps", ["daemonsets", "deployments", "statefulsets"], ["list"]),
      ...istioGroups(customResourceDefinitions).map((group) => rule(group, ["*"], ["list"])),
    ],
    probe: [
      rule("", ["pods"], ["create"]),
      rule("networking.istio.io", ["virtualservices"], ["create"]),
      rule("", ["serviceaccounts/token"], ["create"], [probeAccount]),
    ],
  };
}

/** The API groups of CustomResourceDefinitions, out of their names. */
function istioGroups(customResourceDefinitions: string[]): string[] {
  return [...new Set(customResourceDefinitions.map((name) => name.slice(name.indexOf(".") + 1)))].toSorted();
}

function rule(group: string, resources: string[], verbs: string[], resourceNames?: string[]): PolicyRule {
  return { apiGroups: [group], resources, verbs, ...(resourceNames === undefined ? {} : { resourceNames }) };
}
