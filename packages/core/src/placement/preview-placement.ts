import type { PlacementPreview, PreviewPlacementBody } from "@pilothouse/contract";
import { withSight } from "../change/run-change.ts";
import { unknownReference } from "../errors.ts";
import { type RequestContext, requireTenant } from "../request-context.ts";
import { chooseVersion } from "../versions/choose-version.ts";
import { loadCandidates, loadSeed, toPlacement } from "./load-candidates.ts";
import { placeRevision, sizeRevision } from "./place-revision.ts";

/**
 * Shows where a control plane would be placed now, and why. Reserves nothing, and takes clusters that are not connected yet.
 * @throws DomainError UnknownReference, VersionNotAvailable
 */
export async function previewPlacement(context: RequestContext, body: PreviewPlacementBody): Promise<PlacementPreview> {
  const { tenantId } = requireTenant(context, "viewer");
  return withSight(context, { tenantId }, async (transaction) => {
    const cluster = await transaction.meshCluster.findFirst({ where: { tenantId, name: body.cluster } });
    if (cluster === null) throw unknownReference("cluster", "cluster", body.cluster);
    const { version, line } = await chooseVersion(transaction, body);
    const size = sizeRevision(body.replicas);
    const decision = placeRevision({
      revision: { line, ...size },
      seed: await loadSeed(transaction, cluster.seedName),
      candidates: await loadCandidates(transaction, tenantId),
    });
    const placement = toPlacement(decision);
    return { cluster: cluster.name, version, line, replicas: body.replicas, ...size, placement };
  });
}
