import { type Database, findOwnClusters, findUnwantedRevisions, loadIstiodClusters } from "@pilothouse/core";
import type { KeyRing } from "../key-ring.ts";
import { describeError, type Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Provisioner } from "../provisioner.ts";
import { openIstiodCluster } from "../reconcilers/open-access.ts";

/** `report` only says what is there; `remove` takes away what was reported and is still unwanted at a later look. */
export type JanitorMode = "report" | "remove";

export interface Janitor {
  /** Looks at every istiod cluster that can be called. Answers how many orphans there are. */
  sweep: () => Promise<number>;
}

export interface JanitorOptions {
  database: Database;
  provisioner: Provisioner;
  keys: KeyRing;
  mode: JanitorMode;
  listBlockedShards: () => string[];
  metrics: Metrics;
  log: Log;
  /** From the report to the removal at least, in milliseconds. */
  patienceMs?: number;
  nowMs?: () => number;
}

/** From the report of an orphan to its removal, in milliseconds: time to see that it is none. */
export const defaultPatienceMs = 600_000;

/**
 * Finds namespaces of revisions that no row wants: the rows come first and go last, so there are none unless a removal ended without its cluster. Each
 * is reported when it is first seen. Only in the mode `remove` is it deleted, at a later look, if it has been unwanted all the time, is still the same one,
 * and serves a mesh cluster that is or was connected here: another installation that uses the same istiod cluster has rows that are not seen from here.
 */
export function createJanitor(options: JanitorOptions): Janitor {
  const { database, provisioner, keys, mode, metrics, log, patienceMs = defaultPatienceMs } = options;
  const nowMs = options.nowMs ?? (() => performance.now());
  /** By istiod cluster and UID: when it was first reported. */
  const reported = new Map<string, ReadonlyMap<string, number>>();

  async function sweepCluster(cluster: Parameters<typeof openIstiodCluster>[1]): Promise<number> {
    const opened = await openIstiodCluster(keys, cluster);
    const namespaces = await provisioner.listRevisionNamespaces(opened);
    const unwanted = new Set(
      await findUnwantedRevisions(
        database,
        namespaces.map(({ revisionId }) => revisionId),
      ),
    );
    const orphans = namespaces.filter(({ revisionId }) => unwanted.has(revisionId));
    const own = await findOwnClusters(
      database,
      orphans.map(({ clusterId }) => clusterId),
    );
    const before = reported.get(cluster.name);
    // What is wanted again in between begins anew.
    reported.set(cluster.name, new Map(orphans.map(({ uid }) => [uid, before?.get(uid) ?? nowMs()])));
    for (const orphan of orphans) {
      const isOwn = own.has(orphan.clusterId);
      const fields = { istiodCluster: cluster.name, namespace: orphan.revisionId, uid: orphan.uid, isOwn };
      const since = before?.get(orphan.uid);
      if (since === undefined) {
        log("warn", "a namespace belongs to a revision that no row wants", fields);
      } else if (mode === "remove" && isOwn && nowMs() - since >= patienceMs) {
        await provisioner.deleteRevisionNamespace(opened, orphan);
        log("warn", "an orphaned namespace was removed", fields);
      }
    }
    return orphans.length;
  }

  return {
    async sweep() {
      const blocked = new Set(options.listBlockedShards());
      const counts = new Map<string, number>();
      for (const cluster of await loadIstiodClusters(database)) {
        if (blocked.has(cluster.name) || cluster.access === null) continue;
        try {
          counts.set(cluster.name, await sweepCluster(cluster));
        } catch (error) {
          log("warn", "an istiod cluster could not be searched for orphans", {
            istiodCluster: cluster.name,
            error: describeError(error),
          });
        }
      }
      // Of a cluster that could not be searched, or is gone, nothing is said.
      metrics.orphans.reset();
      for (const [name, count] of counts) metrics.orphans.set({ istiod_cluster: name }, count);
      return [...counts.values()].reduce((sum, count) => sum + count, 0);
    },
  };
}
