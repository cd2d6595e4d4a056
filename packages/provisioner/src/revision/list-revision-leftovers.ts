import { buildInjectorName, buildValidatorName } from "../istio/chart-values.ts";
import { listIstiodLeftovers } from "../istio/istiod-leftovers.ts";
import { istioSystem } from "../istio/names.ts";
import type { ObjectRef } from "../kube/types.ts";
import { identityNames, identityNamespace, identitySlots } from "./identity.ts";
import type { Leftover } from "./remove-revision.ts";
import type { MeshCluster, Revision } from "../types.ts";

const rbac = "rbac.authorization.k8s.io/v1";

/** What the revision itself has in the mesh cluster, the injector first. */
export function listWebhooks(revisionId: string): ObjectRef[] {
  const apiVersion = "admissionregistration.k8s.io/v1";
  return [
    { apiVersion, kind: "MutatingWebhookConfiguration", name: buildInjectorName(revisionId) },
    { apiVersion, kind: "ValidatingWebhookConfiguration", name: buildValidatorName(revisionId) },
  ];
}

/** Rights go before accounts, and the Secrets that keep tokens alive before both. */
export function listIdentity(revisionId: string): ObjectRef[] {
  const inSystem = { apiVersion: "v1", namespace: identityNamespace };
  return [
    ...identitySlots.map((slot) => ({
      ...inSystem,
      kind: "Secret",
      name: identityNames.boundSecret(revisionId, slot),
    })),
    { apiVersion: rbac, kind: "ClusterRoleBinding", name: identityNames.reviewBinding(revisionId) },
    { apiVersion: rbac, kind: "ClusterRoleBinding", name: identityNames.binding(revisionId) },
    { apiVersion: rbac, kind: "RoleBinding", name: identityNames.binding(revisionId), namespace: istioSystem },
    ...identitySlots.map((slot) => ({
      ...inSystem,
      kind: "ServiceAccount",
      name: identityNames.serviceAccount(revisionId, slot),
    })),
  ];
}

const command = (ref: ObjectRef): string => {
  const place = ref.namespace === undefined ? "" : `-n ${ref.namespace} `;
  const words = `kubectl ${place}delete ${ref.kind.toLowerCase()} ${ref.name} --ignore-not-found`;
  // kubectl fails for a kind that is not installed, and then there is nothing to delete.
  return ref.kind === "GatewayClass" ? `${words} 2>/dev/null || true` : words;
};

/** What a removal that could not reach the mesh cluster leaves there, with the commands that remove it. */
export function listMeshLeftovers(
  { mesh, revision }: { mesh: Pick<MeshCluster, "id">; revision: Pick<Revision, "id" | "version"> },
  removeCertificateAuthority: boolean,
): Leftover[] {
  const { id, version } = revision;
  const cluster = mesh.id;
  const own = [...listWebhooks(id), ...listIdentity(id)].map((ref) => ({
    cluster,
    what: `${ref.kind} ${ref.namespace === undefined ? "" : `${ref.namespace}/`}${ref.name}`,
    command: command(ref),
  }));
  const made = listIstiodLeftovers(version.line, id)
    .filter((leftover) => !leftover.keep || removeCertificateAuthority)
    .map(({ kind, name, namespace, scope: share }) => {
      const other =
        kind === "GatewayClass" ? "another revision uses it or somebody else made it" : "another revision uses it";
      const note = share === "shared" ? `, unless ${other}` : "";
      if (namespace === "every") {
        return {
          cluster,
          what: `${kind} ${name} in every namespace${note}`,
          command: `kubectl get ${kind.toLowerCase()} -A --field-selector metadata.name=${name} --no-headers | while read -r ns rest; do kubectl -n "$ns" delete ${kind.toLowerCase()} ${name}; done`,
        };
      }
      const ref = { apiVersion: "v1", kind, name, ...(namespace === undefined ? {} : { namespace }) };
      return {
        cluster,
        what: `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}${note}`,
        command: command(ref),
      };
    });
  return [...own, ...made];
}
