import { buildRevisionLabels, istioSystem } from "../istio/names.ts";
import type { KubeObject } from "../kube/types.ts";
import type { MeshCluster, Revision } from "../types.ts";

/** Namespace of the mesh cluster in which identities live. Nothing of the tenant's is there, so Pilothouse may read its Secrets. */
export const identityNamespace = "pilothouse-system";

const rbac = "rbac.authorization.k8s.io";

/**
 * A revision's istiod has one identity at a time, and two while its token is being renewed: a new token belongs to the other of two
 * ServiceAccounts, so that it can be told which of them istiod acts as.
 */
export type IdentitySlot = "a" | "b";

/** Both slots, in the order in which they are first taken. */
export const identitySlots: readonly IdentitySlot[] = ["a", "b"];

/** The slot that a renewal goes to. */
export const otherSlot = (slot: IdentitySlot): IdentitySlot => (slot === "a" ? "b" : "a");

/** Names of a revision's objects in its mesh cluster. */
export const identityNames = {
  serviceAccount: (revisionId: string, slot: IdentitySlot): string => `istiod-${revisionId}-${slot}`,
  boundSecret: (revisionId: string, slot: IdentitySlot): string => `istiod-${revisionId}-${slot}-token`,
  binding: (revisionId: string): string => `pilothouse-istiod-${revisionId}`,
  /** Checks of other identities' tokens are bound apart from all else: see the renewal in credential.ts. */
  reviewBinding: (revisionId: string): string => `pilothouse-reviews-${revisionId}`,
};

/** ClusterRoles of a version line, installed when the mesh cluster was connected. */
export const lineRoleNames = {
  cluster: (line: string): string => `pilothouse-istiod-${line}`,
  system: (line: string): string => `pilothouse-istiod-${line}-system`,
  reviews: (line: string): string => `pilothouse-istiod-${line}-reviews`,
};

/** The ServiceAccount of a slot. It has no token but those asked for. */
export function buildServiceAccount(revision: Revision, mesh: MeshCluster, slot: IdentitySlot): KubeObject {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: {
      name: identityNames.serviceAccount(revision.id, slot),
      namespace: identityNamespace,
      labels: buildRevisionLabels(revision, mesh),
    },
    automountServiceAccountToken: false,
  };
}

function buildSubjects(revision: Revision, slots: readonly IdentitySlot[]): object[] {
  return slots.map((slot) => ({
    kind: "ServiceAccount",
    name: identityNames.serviceAccount(revision.id, slot),
    namespace: identityNamespace,
  }));
}

/** Who of the slots may do istiod's work: cluster-wide, and in istio-system. */
export function buildBindings(revision: Revision, mesh: MeshCluster, slots: readonly IdentitySlot[]): KubeObject[] {
  const labels = buildRevisionLabels(revision, mesh);
  const name = identityNames.binding(revision.id);
  const roleRef = (role: string): object => ({ apiGroup: rbac, kind: "ClusterRole", name: role });
  const { line } = revision.version;
  return [
    {
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name, labels },
      roleRef: roleRef(lineRoleNames.cluster(line)),
      subjects: buildSubjects(revision, slots),
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata: { name, namespace: istioSystem, labels },
      roleRef: roleRef(lineRoleNames.system(line)),
      subjects: buildSubjects(revision, slots),
    },
  ];
}

/** Who of the slots may have tokens of proxies checked. */
export function buildReviewBinding(revision: Revision, mesh: MeshCluster, slots: readonly IdentitySlot[]): KubeObject {
  return {
    apiVersion: `${rbac}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name: identityNames.reviewBinding(revision.id), labels: buildRevisionLabels(revision, mesh) },
    roleRef: { apiGroup: rbac, kind: "ClusterRole", name: lineRoleNames.reviews(revision.version.line) },
    subjects: buildSubjects(revision, slots),
  };
}
