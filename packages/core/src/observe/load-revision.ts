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

/** A revision's row with what it refers to. */
interface RevisionRow {
  tenantId: string;
  tenantName: string;
  controlPlaneId: string;
  controlPlaneName: string;
  generation: number;
  replicas: number;
  hostname: string;
  observed: unknown;
  credentialIssuedAt: Date | null;
  credentialExpiresAt: Date | null;
  readyAt: Date | null;
  giveUpAt: Date | null;
  deletionRequestedAt: Date | null;
  createdAt: Date;
  versionName: string;
  lineName: string;
  charts: unknown;
  image: unknown;
  istiodClusterName: string;
  edgeAddresses: string[];
  clusterId: string;
  clusterName: string;
  server: string | null;
  certificateAuthority: string | null;
  tlsServerName: string | null;
  clusterUid: string | null;
}

/** Reads a revision by id with all that belongs to it, in two statements; undefined when it is gone. */
export async function loadRevision(database: Database, id: string): Promise<RevisionWork | undefined> {
  const [row] = await database.$queryRaw<RevisionRow[]>`
    SELECT r.tenant_id AS "tenantId", t.name AS "tenantName", p.id AS "controlPlaneId", p.name AS "controlPlaneName",
      r.generation, r.replicas, r.hostname, r.observed, r.credential_issued_at AS "credentialIssuedAt",
      r.credential_expires_at AS "credentialExpiresAt", r.ready_at AS "readyAt", r.give_up_at AS "giveUpAt",
      r.deletion_requested_at AS "deletionRequestedAt", r.created_at AS "createdAt",
      v.name AS "versionName", v.line AS "lineName", v.charts, v.image, i.name AS "istiodClusterName", i.edge_addresses AS "edgeAddresses",
      m.id AS "clusterId", m.name AS "clusterName", m.server, m.certificate_authority AS "certificateAuthority",
      m.tls_server_name AS "tlsServerName", m.cluster_uid AS "clusterUid"
    FROM revisions r
    JOIN tenants t ON t.id = r.tenant_id
    JOIN control_planes p ON p.id = r.control_plane_id
    JOIN mesh_clusters m ON m.id = p.cluster_id
    JOIN versions v ON v.name = r.version
    JOIN istiod_clusters i ON i.name = r.istiod_cluster
    WHERE r.id = ${id}`;
  if (row === undefined) return undefined;
  const { conditions, operation, secrets } = await readObjectFacts(database, {
    object: { kind: "revision", id },
    operationOf: { kind: "control-plane", id: row.controlPlaneId },
    secrets: [
      { purpose: "cluster-token", objectKind: "cluster", objectId: row.clusterId },
      { purpose: "istiod-cluster-access", objectKind: "istiod-cluster", objectId: row.istiodClusterName },
    ],
  });
  const [token = null, access = null] = secrets;
  const { credentialIssuedAt: issuedAt, credentialExpiresAt: expiresAt } = row;
  return {
    id,
    tenantId: row.tenantId,
    tenantName: row.tenantName,
    controlPlaneId: row.controlPlaneId,
    controlPlaneName: row.controlPlaneName,
    clusterId: row.clusterId,
    clusterName: row.clusterName,
    generation: row.generation,
    replicas: row.replicas,
    hostname: row.hostname,
    version: readVersion({ ...row, name: row.versionName }),
    // The database keeps the line of an istiod cluster and those of its revisions the same.
    istiodCluster: { name: row.istiodClusterName, line: row.lineName, edgeAddresses: row.edgeAddresses, access },
    mesh: readMesh({ ...row, id: row.clusterId }, token),
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
