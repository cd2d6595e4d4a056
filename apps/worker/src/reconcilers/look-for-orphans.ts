import { type ClusterWork, findUnwantedRevisions, type ObservedCondition } from "@pilothouse/core";
import { type MeshRequest, ProvisionerError } from "@pilothouse/provisioner";
import { describeError } from "../log.ts";
import { defaultPatienceMs } from "../upkeep/janitor.ts";
import type { Dependencies } from "./dependencies.ts";
import { describeOrphans, type Orphan, readOrphans } from "./orphan-text.ts";

const type = "Clean";

/**
 * Looks for what revisions that no row wants have in a mesh cluster: of a removal that ended without the cluster, webhooks stay that stop the
 * tenant's pods. They are told of in a condition, each with the time since when. In the janitor's mode `remove` each is taken away at a later look, when
 * the condition has told of it for ten minutes: were it the rows that are lost, somebody could still stop it.
 *
 * @returns the condition to write; undefined when there is nothing to say, or when it was not the time to look
 */
export async function lookForOrphans(
  dependencies: Dependencies,
  work: ClusterWork,
  request: MeshRequest,
): Promise<ObservedCondition | undefined> {
  const { log, orphanLookShare } = dependencies;
  const before = work.conditions.find((condition) => condition.type === type);
  const wasClean = before === undefined || before.status === "True";
  if (wasClean && Math.random() >= orphanLookShare) return undefined;
  try {
    return await look(dependencies, work, request);
  } catch (error) {
    // The cluster is connected all the same.
    if (!(error instanceof ProvisionerError)) throw error;
    log("warn", "a mesh cluster could not be searched for orphans", { cluster: work.id, error: describeError(error) });
    if (before === undefined) return undefined;
    // What was told of stays in the text: since when it was is read from there.
    return { type, status: "Unknown", reason: error.code, message: before.message };
  }
}

async function look(
  { database, provisioner, janitor, log }: Dependencies,
  work: ClusterWork,
  request: MeshRequest,
): Promise<ObservedCondition | undefined> {
  const before = work.conditions.find((condition) => condition.type === type);
  const told = before === undefined || before.status === "True" ? [] : readOrphans(before.message);
  // First what is there, then what is wanted: rows come first and go last.
  const found = await provisioner.findMeshRevisions(request);
  const nowMs = Date.now();
  const orphans = (await findUnwantedRevisions(database, found)).map(
    (id): Orphan => told.find((one) => one.id === id) ?? { id, sinceMs: nowMs },
  );
  const isNew = ({ id }: Orphan): boolean => !told.some((one) => one.id === id);
  const isDue = (orphan: Orphan): boolean => !isNew(orphan) && nowMs - orphan.sinceMs >= defaultPatienceMs;
  const fields = { cluster: work.name, clusterId: work.id };
  if (orphans.some(isNew))
    log("warn", "a mesh cluster has what no row wants", {
      ...fields,
      revisions: orphans.filter(isNew).map(({ id }) => id),
    });
  const due = janitor === "remove" ? orphans.filter(isDue) : [];
  const lines = work.versions.map((version) => version.line);
  for (const { id } of due) {
    await provisioner.removeMeshOrphan({ ...request, revisionId: id, lines });
    log("warn", "what was left of a revision that no row wants was removed", { ...fields, revision: id });
  }
  const left = orphans.filter((orphan) => !due.includes(orphan));
  if (left.length > 0)
    return { type, status: "False", reason: "OrphanedRevisions", message: describeOrphans(left, janitor) };
  if (due.length > 0) {
    const message = `What was left of ${due.map(({ id }) => id).join(", ")} was removed.`;
    return { type, status: "True", reason: "OrphansRemoved", message };
  }
  if (before === undefined) return undefined;
  const message = "Nothing is left in the cluster of control planes that are gone.";
  return { type, status: "True", reason: "NothingLeft", message };
}
