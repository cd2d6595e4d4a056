import { caSecretName, rootCertConfigMapName } from "../istio/istiod-leftovers.ts";
import { istioSystem } from "../istio/names.ts";
import { ProvisionerError } from "../errors.ts";
import { fieldAt } from "../kube/field-at.ts";
import type { KubeClient, KubeObject } from "../kube/types.ts";
import { managedByLabel, managedByValue } from "../labels.ts";
import { pluggedInCaSecretName } from "./pilothouse-rights.ts";

const namespaceRef = { apiVersion: "v1", kind: "Namespace", name: istioSystem };

/** The namespace, unless it is gone or going: then Pilothouse has no rights there any more, and nothing to do. */
export async function findSystemNamespace(client: KubeClient): Promise<KubeObject | undefined> {
  const namespace = await client.get(namespaceRef);
  return namespace?.metadata.deletionTimestamp === undefined ? namespace : undefined;
}

/** What every namespace has by itself. */
const builtIn = new Set([
  "ConfigMap kube-root-ca.crt",
  `ConfigMap ${rootCertConfigMapName}`,
  "ConfigMap istio-ca-crl",
  "ServiceAccount default",
]);

const workloadKinds = [
  { apiVersion: "v1", kind: "ConfigMap" },
  { apiVersion: "v1", kind: "Pod" },
  { apiVersion: "v1", kind: "Service" },
  { apiVersion: "v1", kind: "ServiceAccount" },
  { apiVersion: "apps/v1", kind: "DaemonSet" },
  { apiVersion: "apps/v1", kind: "Deployment" },
  { apiVersion: "apps/v1", kind: "StatefulSet" },
];

/** Removes what may be left of istio-system. Whoever runs it has looked into the namespace first. */
const removalCommand = `kubectl delete namespace ${istioSystem} --ignore-not-found`;

/**
 * Leaves istio-system, or removes it when the caller wishes that, connecting created it, and nothing is seen in it: no certificate
 * authority, no workloads, no configuration, no Istio objects.
 *
 * What is seen is not all: Pilothouse may not read the namespace's Secrets, and does not look for Jobs, claims of volumes or kinds
 * that it doesn't know. With the namespace they would go without a trace, so that only a wish removes it.
 *
 * With the namespace go Pilothouse's rights in it; the cluster empties it by itself.
 *
 * @returns why it stays, in words; undefined when it is going
 */
export async function settleSystemNamespace(
  client: KubeClient,
  namespace: KubeObject,
  { remove }: { remove: boolean },
): Promise<string | undefined> {
  if (namespace.metadata.labels?.[managedByLabel] !== managedByValue)
    return "it was there before the cluster was connected";
  const authorities = [caSecretName, pluggedInCaSecretName];
  const present = await Promise.all(authorities.map((name) => hasSecret(client, name)));
  const authority = authorities.find((_name, index) => present[index]);
  if (authority !== undefined) return `it holds the mesh's certificate authority (Secret ${authority})`;
  if (!remove) {
    return `it was made when the cluster was connected, but Pilothouse can't see all that has come into it since, such as Secrets. If nothing in it is needed: ${removalCommand}`;
  }
  const content = await listContent(client);
  if (content.length > 0) {
    const more = content.length > 3 ? ` and ${content.length - 3} more` : "";
    return `it holds ${content.slice(0, 3).join(", ")}${more}`;
  }
  await client.delete(namespaceRef, { uid: namespace.metadata.uid ?? "", propagation: "Background" });
  return undefined;
}

/** By a delete that is only tried: Pilothouse may not read these Secrets, which hold private keys. */
async function hasSecret(client: KubeClient, name: string): Promise<boolean> {
  try {
    await client.request("DELETE", `/api/v1/namespaces/${istioSystem}/secrets/${name}?dryRun=All`, {
      apiVersion: "v1",
      kind: "DeleteOptions",
      dryRun: ["All"],
    });
    return true;
  } catch (error) {
    if (error instanceof ProvisionerError && error.code === "NotFound") return false;
    throw error;
  }
}

async function listContent(client: KubeClient): Promise<string[]> {
  const kinds = [...workloadKinds, ...(await listIstioKinds(client))];
  const lists = await Promise.all(kinds.map((kind) => client.list(kind, { namespace: istioSystem })));
  return lists
    .flat()
    .map(({ kind, metadata }: KubeObject) => `${kind} ${metadata.name}`)
    .filter((name) => !builtIn.has(name));
}

/** Every kind of Istio's that the cluster serves, in each group's preferred version. */
async function listIstioKinds(client: KubeClient): Promise<{ apiVersion: string; kind: string }[]> {
  const definitions = await client.list({ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" });
  return definitions.flatMap((definition) => {
    const group = fieldAt(definition, "spec", "group");
    const kind = fieldAt(definition, "spec", "names", "kind");
    const versions = fieldAt(definition, "spec", "versions");
    if (typeof group !== "string" || typeof kind !== "string" || !group.endsWith(".istio.io")) return [];
    const all: unknown[] = Array.isArray(versions) ? versions : [];
    const served = all.find((version) => fieldAt(version, "served") === true);
    const name = fieldAt(served, "name");
    return typeof name === "string" ? [{ apiVersion: `${group}/${name}`, kind }] : [];
  });
}
