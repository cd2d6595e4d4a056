import { type ClusterWork, findUnwantedRevisions, type ObservedCondition } from "@pilothouse/core";
import type { MeshRequest } from "@pilothouse/provisioner";
import { defaultPatienceMs } from "../upkeep/janitor.ts";
import type { Dependencies } from "./dependencies.ts";

const type = "Clean";

/**
 * Looks for what revisions that no row wants have in a mesh cluster: of a removal that ended without the cluster, webhooks stay that stop the
 * tenant's pods. They are told of in a condition. In the janitor's mode `remove` they are taken away at a later look, when the condition has said
 * so for ten minutes: were it the rows that are lost, somebody could still stop it.
 *
 * @returns the condition to write; undefined when there is nothing to say, or when it was not the time to look
 */
export async function lookForOrphans(
  { database, provisioner, janitor, orphanLookShare, log }: Dependencies,
  work: ClusterWork,
  request: MeshRequest,
): Promise<ObservedCondition | undefined> {
  const before = work.conditions.find((condition) => condition.type === type);
  const wasClean = before === undefined || before.status === "True";
  if (wasClean && Math.random() >= orphanLookShare) return undefined;
  // First what is there, then what is wanted: rows come first and go last.
  const found = await provisioner.findMeshRevisions(request);
  const orphans = await findUnwantedRevisions(database, found);
  if (orphans.length === 0) {
    if (before === undefined) return undefined;
    const message = "Nothing is left in the cluster of control planes that are gone.";
    return { type, status: "True", reason: "NothingLeft", message };
  }
  const isOverdue = before?.status === "False" && Date.now() - before.lastTransitionAt.getTime() >= defaultPatienceMs;
  if (janitor === "remove" && isOverdue) {
    const lines = work.versions.map((version) => version.line);
    for (const revisionId of orphans) await provisioner.removeMeshOrphan({ ...request, revisionId, lines });
    log("warn", "what was left of revisions that no row wants was removed", { cluster: work.name, revisions: orphans });
    const message = `What was left of ${orphans.join(", ")} was removed.`;
    return { type, status: "True", reason: "OrphansRemoved", message };
  }
  if (wasClean)
    log("warn", "a mesh cluster has what no row wants", { cluster: work.name, clusterId: work.id, revisions: orphans });
  const next =
    janitor === "remove"
      ? "Pilothouse removes them in ten minutes."
      : "Remove them with the commands that their removal gave, or let the provider's worker do it (PILOTHOUSE_JANITOR=remove).";
  return {
    type,
    status: "False",
    reason: "OrphanedRevisions",
    message: `Webhooks or identities of ${orphans.join(", ")} are in the cluster, which were removed here while it could not be reached. Webhooks that nobody answers can stop pods. ${next}`,
  };
}
