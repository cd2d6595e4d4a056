import { listIstiodLeftovers } from "../istio/istiod-leftovers.ts";
import type { KubeClient, ObjectRef } from "../kube/types.ts";
import { clusterLabel, managedByLabel, managedByValue, revisionLabel } from "../labels.ts";
import { deleteLeftovers } from "./delete-leftovers.ts";
import { identityNamespace } from "./identity.ts";
import { listIdentity, listWebhooks } from "./list-revision-leftovers.ts";

/** What of a revision is in its mesh cluster, to be removed from there. */
export interface MeshHalf {
  client: KubeClient;
  clusterId: string;
  revisionId: string;
  line: string;
}

/** Deletes all in their order; answers whether there was any. */
async function removeAll(client: KubeClient, refs: ObjectRef[]): Promise<boolean> {
  let found = false;
  for (const ref of refs) found = (await client.delete(ref, { propagation: "Background" })) || found;
  return found;
}

/** Answers whether there was one. */
export const removeWebhooks = ({ client, revisionId }: MeshHalf): Promise<boolean> =>
  removeAll(client, listWebhooks(revisionId));

export async function removeIdentity({ client, revisionId }: MeshHalf): Promise<void> {
  await removeAll(client, listIdentity(revisionId));
}

/** Selects what belongs to any revision of a mesh cluster. */
const selectRevisions = (clusterId: string): string =>
  `${managedByLabel}=${managedByValue},${clusterLabel}=${clusterId},${revisionLabel}`;

async function listRevisionsOf(
  client: KubeClient,
  clusterId: string,
  kinds: readonly { apiVersion: string; kind: string; namespace?: string }[],
): Promise<string[]> {
  const labelSelector = selectRevisions(clusterId);
  const lists = await Promise.all(
    kinds.map(({ namespace, ...kind }) =>
      client.listMetadata(kind, { labelSelector, ...(namespace === undefined ? {} : { namespace }) }),
    ),
  );
  return [...new Set(lists.flat().map(({ metadata }) => metadata.labels?.[revisionLabel] ?? ""))].toSorted();
}

const admission = "admissionregistration.k8s.io/v1";
const accounts = { apiVersion: "v1", kind: "ServiceAccount", namespace: identityNamespace };

/** Ids of all revisions that have webhooks, an identity or rights in a mesh cluster, sorted. */
export const listMeshRevisions = (client: KubeClient, clusterId: string): Promise<string[]> =>
  listRevisionsOf(client, clusterId, [
    { apiVersion: admission, kind: "MutatingWebhookConfiguration" },
    { apiVersion: admission, kind: "ValidatingWebhookConfiguration" },
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding" },
    accounts,
  ]);

/** Whether no other revision of this mesh cluster has an identity: then what all revisions share goes, too. */
export async function isLastRevision({ client, clusterId, revisionId }: MeshHalf): Promise<boolean> {
  return (await listRevisionsOf(client, clusterId, [accounts])).every((id) => id === revisionId);
}

/** Removes what istiod left; what all revisions share only after the last one. */
export async function removeLeftovers(
  { client, revisionId, line }: MeshHalf,
  isLast: boolean,
  removeCertificateAuthority: boolean,
): Promise<void> {
  const found = listIstiodLeftovers(line, revisionId).filter(
    (leftover) =>
      (isLast || leftover.scope === "revision") && (!leftover.keep || (isLast && removeCertificateAuthority)),
  );
  await deleteLeftovers(client, found);
}
