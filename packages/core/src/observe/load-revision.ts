import type { Database } from "../database/connect.ts";
import { readMesh, type StoredMesh } from "./load-cluster.ts";
import type { StoredCondition } from "./merge-condition.ts";
import type { LiveOperation } from "./operations.ts";
import { readObjectFacts } from "./read-facts.ts";
import type { SealedText } from "./sealed-text.ts";
import { readVersion, type StoredVersion } from "./stored-version.ts";

/** A cluster of the provider; how to log in there is sealed. */
export interface StoredIstiodCluster {
  name: string;
  line: string;
  edgeAddresses: string[];
  /** A kubeconfig's text; absent while nobody has given one. */
  access: SealedText | null;
}

/** What is wished of a revision, and what is needed for it. */
export interface RevisionWork {
  id: string;
  tenantId: string;
  tenantName: string;
  controlPlaneId: string;
  controlPlaneName: string;
  clusterId: string;
  clusterName: string;
  generation: number;
  replicas: number;
  hostname: string;
  version: StoredVersion;
  istiodCluster: StoredIstiodCluster;
  /** Absent while the mesh cluster is not connected. */
  mesh: StoredMesh | null;
  credential: { issuedAt: Date; expiresAt: Date } | null;
  configHash: string | null;
  readyAt: Date | null;
  giveUpAt: Date | null;
  deletionRequestedAt: Date | null;
  createdAt: Date;
  conditions: StoredCondition[];
  operation: LiveOperation | null;
}

/** Reads a revision by id with all that belongs to it; undefined when it is gone. */
export async function loadRevision(database: Database, id: string): Promise<RevisionWork | undefined> {
  const row = await database.revision.findUnique({
    where: { id },
    include: { controlPlane: { include: { cluster: true } }, version: true, istiodCluster: true },
  });
  if (row === null) return undefined;
  const { controlPlane, istiodCluster } = row;
  const { cluster } = controlPlane;
  const [tenant, facts] = await Promise.all([
    database.tenant.findUniqueOrThrow({ where: { id: row.tenantId }, select: { name: true } }),
    readObjectFacts(database, {
      object: { kind: "revision", id },
      operationOf: { kind: "control-plane", id: controlPlane.id },
      secrets: [
        { purpose: "cluster-token", objectKind: "cluster", objectId: cluster.id },
        { purpose: "istiod-cluster-access", objectKind: "istiod-cluster", objectId: istiodCluster.name },
      ],
    }),
  ]);
  const { conditions, operation } = facts;
  const [token = null, access = null] = facts.secrets;
  const { credentialIssuedAt: issuedAt, credentialExpiresAt: expiresAt } = row;
  return {
    id,
    tenantId: row.tenantId,
    tenantName: tenant.name,
    controlPlaneId: controlPlane.id,
    controlPlaneName: controlPlane.name,
    clusterId: cluster.id,
    clusterName: cluster.name,
    generation: row.generation,
    replicas: row.replicas,
    hostname: row.hostname,
    version: readVersion(row.version),
    istiodCluster: {
      name: istiodCluster.name,
      line: istiodCluster.lineName,
      edgeAddresses: istiodCluster.edgeAddresses,
      access,
    },
    mesh: readMesh(cluster, token),
    credential: issuedAt === null || expiresAt === null ? null : { issuedAt, expiresAt },
    configHash: readConfigHash(row.observed),
    readyAt: row.readyAt,
    giveUpAt: row.giveUpAt,
    deletionRequestedAt: row.deletionRequestedAt,
    createdAt: row.createdAt,
    conditions,
    operation,
  };
}

function readConfigHash(observed: unknown): string | null {
  if (typeof observed !== "object" || observed === null || !("configHash" in observed)) return null;
  return typeof observed.configHash === "string" ? observed.configHash : null;
}

/** What tells whether a revision that is being watched has changed: cheap to read for many. */
export interface WatchStamp {
  id: string;
  generation: number;
  isEnding: boolean;
  /** Id of the sealed token of its mesh cluster; another one means another token. */
  tokenId: string | null;
}

/** Reads the stamps of many revisions in one statement; those that are gone are missing. */
export async function listWatchStamps(database: Database, ids: readonly string[]): Promise<WatchStamp[]> {
  if (ids.length === 0) return [];
  return database.$queryRaw<WatchStamp[]>`
    SELECT r.id, r.generation, r.deletion_requested_at IS NOT NULL AS "isEnding",
      (SELECT s.id::text FROM sealed_secrets s WHERE s.purpose = 'cluster-token' AND s.object_kind = 'cluster' AND s.object_id = c.cluster_id::text
        ORDER BY s.created_at DESC, s.id DESC LIMIT 1) AS "tokenId"
    FROM revisions r JOIN control_planes c ON c.id = r.control_plane_id WHERE r.id = ANY (${[...ids]}::text[])`;
}
