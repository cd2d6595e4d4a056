import type { Database } from "../database/connect.ts";
import type { StoredCondition } from "./merge-condition.ts";
import type { LiveOperation } from "./operations.ts";
import { readObjectFacts } from "./read-facts.ts";
import type { SealedText } from "./sealed-text.ts";
import { readVersion, type StoredVersion } from "./stored-version.ts";

/** How a connected mesh cluster is reached; the token is sealed. */
export interface StoredMesh {
  id: string;
  server: string;
  certificateAuthority: string | null;
  tlsServerName: string | null;
  clusterUid: string;
  token: SealedText;
}

/** What is wished of a mesh cluster, and what is needed for it. */
export interface ClusterWork {
  id: string;
  name: string;
  tenantId: string;
  generation: number;
  deletionRequestedAt: Date | null;
  /** Absent until it has been connected. */
  mesh: StoredMesh | null;
  /** To connect with; absent once used, or after its time. */
  kubeconfig: SealedText | null;
  /** Those that may be provisioned, and those that its revisions run although they can't be ordered any more. */
  versions: StoredVersion[];
  conditions: StoredCondition[];
  operation: LiveOperation | null;
}

/** Reads a mesh cluster by id; undefined when it is gone. */
export async function loadCluster(database: Database, id: string): Promise<ClusterWork | undefined> {
  const row = await database.meshCluster.findUnique({ where: { id } });
  if (row === null) return undefined;
  const of = { objectKind: "cluster", objectId: id } as const;
  const [facts, versions] = await Promise.all([
    readObjectFacts(database, {
      object: { kind: "cluster", id },
      operationOf: { kind: "cluster", id },
      secrets: [
        { ...of, purpose: "cluster-token" },
        { ...of, purpose: "connect-kubeconfig" },
      ],
    }),
    database.version.findMany({
      where: {
        OR: [
          { state: "available", line: { state: { not: "retired" } } },
          { revisions: { some: { controlPlane: { clusterId: id } } } },
        ],
      },
      orderBy: { name: "asc" },
    }),
  ]);
  const { conditions, operation } = facts;
  const [token = null, kubeconfig = null] = facts.secrets;
  const { name, tenantId, generation, deletionRequestedAt } = row;
  return {
    id,
    name,
    tenantId,
    generation,
    deletionRequestedAt,
    mesh: readMesh(row, token),
    kubeconfig,
    versions: versions.map(readVersion),
    conditions,
    operation,
  };
}

/** null while a cluster has not been connected. */
export function readMesh(
  row: {
    id: string;
    server: string | null;
    certificateAuthority: string | null;
    tlsServerName: string | null;
    clusterUid: string | null;
  },
  token: SealedText | null,
): StoredMesh | null {
  const { id, server, certificateAuthority, tlsServerName, clusterUid } = row;
  if (server === null || clusterUid === null || token === null) return null;
  return { id, server, certificateAuthority, tlsServerName, clusterUid, token };
}
