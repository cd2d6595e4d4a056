import type { Database } from "../database/connect.ts";
import type { StoredIstiodCluster } from "./load-revision.ts";
import { findSealedText } from "./sealed-text.ts";

/** Reads all istiod clusters with their sealed access, and the health that is stored. */
export async function loadIstiodClusters(
  database: Database,
): Promise<(StoredIstiodCluster & { healthy: boolean | null; healthMessage: string | null })[]> {
  const rows = await database.istiodCluster.findMany({ orderBy: { name: "asc" } });
  return Promise.all(
    rows.map(async ({ name, lineName, edgeAddresses, healthy, healthMessage }) => ({
      name,
      line: lineName,
      edgeAddresses,
      healthy,
      healthMessage,
      access: await findSealedText(database, {
        purpose: "istiod-cluster-access",
        objectKind: "istiod-cluster",
        objectId: name,
      }),
    })),
  );
}

/** Writes down whether an istiod cluster's API server answers, when that differs; the time is that of the change from one to the other. */
export async function saveIstiodClusterHealth(
  database: Database,
  name: string,
  { healthy, message }: { healthy: boolean; message: string },
): Promise<void> {
  await database.$executeRaw`
    UPDATE istiod_clusters SET healthy = ${healthy}, health_message = ${message},
      health_since = CASE WHEN healthy IS DISTINCT FROM ${healthy} THEN now() ELSE health_since END
    WHERE name = ${name} AND (healthy IS DISTINCT FROM ${healthy} OR health_message IS DISTINCT FROM ${message})`;
}

/** Which of these mesh clusters are this installation's, or were: one that is gone is still named by the operation that connected it. */
export async function findOwnClusters(database: Database, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await database.operation.findMany({
    where: { objectKind: "cluster", objectId: { in: [...ids] } },
    distinct: ["objectId"],
    select: { objectId: true },
  });
  return new Set(rows.map(({ objectId }) => objectId));
}

/** Which of these revision ids no row wants: what is in a cluster under such an id is an orphan. */
export async function findUnwantedRevisions(database: Database, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const wanted = await database.revision.findMany({ where: { id: { in: [...ids] } }, select: { id: true } });
  const known = new Set(wanted.map(({ id }) => id));
  return ids.filter((id) => !known.has(id));
}
