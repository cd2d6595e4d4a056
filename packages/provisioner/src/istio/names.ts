import { ProvisionerError } from "../errors.ts";
import { clusterLabel, managedByLabel, managedByValue, revisionLabel } from "../labels.ts";
import type { MeshCluster, ProviderConfig, Revision } from "../types.ts";

/** Namespace of the mesh cluster that istiod takes for its own, in every line. */
export const istioSystem = "istio-system";

/** Name of istiod's ServiceAccount, Deployment, Service and disruption budget in the revision's namespace; the edge relies on it. */
export const istiodName = "istiod";

/** Secret with istiod's kubeconfig for the mesh cluster: keys `config` and `token`. */
export const kubeconfigSecretName = "istio-kubeconfig";

/** Where that Secret is mounted. Both lines' charts and istiod's `KUBECONFIG` name this folder. */
export const kubeconfigMountPath = "/var/run/secrets/remote";

/** Annotation of istiod's pods: hash over everything that istiod reads only when it starts. */
export const configHashAnnotation = "pilothouse.io/config-hash";

/** The part of a connected mesh cluster that istiod's objects depend on. Holds no secret. */
export type MeshFacts = Pick<MeshCluster, "id" | "server" | "certificateAuthority" | "tlsServerName">;

/** Public name of a revision, under which its webhooks (443) and xDS with certificates (15012) are reached. */
export function buildHostname(revision: Pick<Revision, "id">, provider: Pick<ProviderConfig, "domain">): string {
  return `${revision.id}.${provider.domain}`;
}

type Owner = Pick<Revision, "id" | "tenant" | "controlPlane">;

/**
 * Labels of everything Pilothouse makes for a revision, in either cluster.
 *
 * @throws ProvisionerError `InvalidName` when an id can't be a label's value (63 characters of letters, digits, `-`, `_`, `.`).
 */
export function buildRevisionLabels(revision: Owner, mesh: Pick<MeshFacts, "id">): Record<string, string> {
  assertRevisionId(revision.id);
  return {
    [managedByLabel]: managedByValue,
    [clusterLabel]: assertLabelValue("mesh.id", mesh.id),
    [revisionLabel]: revision.id,
    "pilothouse.io/tenant": assertLabelValue("revision.tenant", revision.tenant),
    "pilothouse.io/control-plane": assertLabelValue("revision.controlPlane", revision.controlPlane),
  };
}

/** Metadata of an object of a revision in the revision's namespace in its istiod cluster. */
export function buildObjectMeta(
  revision: Owner,
  mesh: Pick<MeshFacts, "id">,
  name: string,
): { name: string; namespace: string; labels: Record<string, string> } {
  return {
    name,
    namespace: revision.id,
    labels: {
      ...buildRevisionLabels(revision, mesh),
      "app.kubernetes.io/name": istiodName,
      "istio.io/rev": revision.id,
    },
  };
}

function assertRevisionId(id: string): void {
  if (/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(id) && !/^(default$|kube-|istio-|pilothouse-)/.test(id)) return;
  throw new ProvisionerError(
    "user",
    "InvalidName",
    `The revision id "${id}" can't be used: it is at once a namespace, a host name and Istio's revision, so it has to be a DNS label ` +
      'that starts with a letter and has at most 63 characters, and neither "default" nor a name that begins with "kube-", "istio-" or "pilothouse-".',
    { parameter: "revision.id" },
  );
}

function assertLabelValue(parameter: string, value: string): string {
  if (/^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(value)) return value;
  throw new ProvisionerError(
    "user",
    "InvalidName",
    `"${value}" can't be used as ${parameter}: it becomes a Kubernetes label, so it needs 1 to 63 letters, digits, "-", "_" or ".", ` +
      "and a letter or digit at both ends.",
    { parameter },
  );
}
