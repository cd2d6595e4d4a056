import { createMeshClient } from "../connect/mesh-client.ts";
import type { Deadline } from "../deadline.ts";
import { isNewerThanOldest } from "../istio/version-line.ts";
import type { KubeClient } from "../kube/types.ts";
import type { MeshCluster, ProviderConfig } from "../types.ts";
import { isLastRevision, listMeshRevisions, removeIdentity, removeLeftovers, removeWebhooks } from "./mesh-half.ts";

/** What looking into a mesh cluster is given. */
export interface MeshRequest {
  cluster: MeshCluster;
  provider: ProviderConfig;
  /** Nothing is written after it. */
  deadline: Deadline;
  signal?: AbortSignal;
}

/** Ids of all revisions that have webhooks, an identity or rights in a mesh cluster, wanted or not, sorted. */
export function findMeshRevisions(request: MeshRequest): Promise<string[]> {
  return withMeshClient(request, (client) => listMeshRevisions(client, request.cluster.id));
}

/**
 * Removes what a revision that nobody wants has left in a mesh cluster: a removal had ended without it. Webhooks first, as they stop the
 * tenant's pods when no istiod answers them. Can be ended at any point and run again.
 *
 * @param request.lines those that it may have been of
 * @throws ProvisionerError as the calls do
 */
export function removeMeshOrphan(
  request: MeshRequest & { revisionId: string; lines: readonly string[] },
): Promise<void> {
  const { cluster, revisionId, lines } = request;
  // Istiods of newer lines leave more, by other names.
  const line = lines.find(isNewerThanOldest) ?? lines[0] ?? "";
  return withMeshClient(request, async (client) => {
    const half = { client, clusterId: cluster.id, revisionId, line };
    await removeWebhooks(half);
    await removeIdentity(half);
    await removeLeftovers(half, await isLastRevision(half), false);
  });
}

async function withMeshClient<Result>(
  { cluster, provider, deadline, signal }: MeshRequest,
  work: (client: KubeClient) => Promise<Result>,
): Promise<Result> {
  const client = createMeshClient(cluster, provider, { deadline, ...(signal === undefined ? {} : { signal }) });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
