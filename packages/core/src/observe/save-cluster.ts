import type { Database, Transaction } from "../database/connect.ts";
import type { Lease } from "../work/lease.ts";
import { writeGuarded } from "../work/write-guarded.ts";
import { saveConditions } from "./conditions.ts";
import { insertEvent } from "./events.ts";
import type { ClusterWork } from "./load-cluster.ts";
import type { ObservedCondition } from "./merge-condition.ts";
import { finishOperation, reportOperation } from "./operations.ts";
import { replaceSealedText, type SealedText } from "./sealed-text.ts";

/** What connecting found out. The token is sealed. */
export interface ClusterConnection {
  server: string;
  certificateAuthority?: string;
  tlsServerName?: string;
  clusterUid: string;
  kubernetesVersion: string;
  token: Pick<SealedText, "binding" | "keyId" | "ciphertext">;
  tokenIssuedAt: string;
  tokenExpiresAt: string;
  conditions: readonly ObservedCondition[];
}

/**
 * Writes back that a cluster is connected, erases the kubeconfig that did it, and ends the operation.
 * @returns false when the lease was over
 * @throws the database's unique violation (23505) when the same cluster is connected already under another name
 */
export async function saveConnection(
  database: Database,
  lease: Lease,
  work: ClusterWork,
  connection: ClusterConnection,
): Promise<boolean> {
  const { written } = await writeGuarded(database, lease, async (transaction) => {
    const {
      server,
      certificateAuthority,
      tlsServerName,
      clusterUid,
      kubernetesVersion,
      tokenIssuedAt,
      tokenExpiresAt,
    } = connection;
    await transaction.meshCluster.updateMany({
      where: { id: work.id },
      data: {
        server,
        certificateAuthority: certificateAuthority ?? null,
        tlsServerName: tlsServerName ?? null,
        clusterUid,
        kubernetesVersion,
        tokenIssuedAt,
        tokenExpiresAt,
        observedGeneration: work.generation,
      },
    });
    await replaceSealedText(transaction, connection.token);
    await eraseKubeconfig(transaction, work);
    await saveConditions(transaction, targetOf(work), connection.conditions);
    const message =
      connection.conditions.find(({ type }) => type === "Connected")?.message ?? "The cluster is connected.";
    if (work.operation?.kind === "cluster.connect")
      await finishOperation(transaction, work.operation, { state: "succeeded", reason: "Connected", message });
    await insertClusterEvent(transaction, work, "cluster.connected", { reason: "Connected", message });
  });
  return written;
}

/** Stores a renewed token. False when the lease was over: then the old token must stay valid. */
export async function saveClusterToken(
  database: Database,
  lease: Lease,
  work: ClusterWork,
  renewed: Pick<ClusterConnection, "token" | "tokenIssuedAt" | "tokenExpiresAt">,
): Promise<boolean> {
  const { written } = await writeGuarded(database, lease, async (transaction) => {
    const { token, tokenIssuedAt, tokenExpiresAt } = renewed;
    await transaction.meshCluster.updateMany({ where: { id: work.id }, data: { tokenIssuedAt, tokenExpiresAt } });
    await replaceSealedText(transaction, token);
    await insertClusterEvent(transaction, work, "cluster.token-renewed", {
      reason: "TokenRenewed",
      message: `Pilothouse's token for the cluster was renewed; the new one is valid until ${tokenExpiresAt}.`,
    });
  });
  return written;
}

/** What a look at a cluster saw that did not connect it. */
export interface ClusterSighting {
  conditions: readonly ObservedCondition[];
  /** Ends the live operation as failed. */
  failure?: { reason: string; message: string };
  /** What the live operation waits for. */
  progress?: { reason: string; message: string };
  /** The kubeconfig has been refused for good. */
  eraseKubeconfig?: boolean;
}

/** Writes back what a look at a cluster saw. False when the lease was over. */
export async function saveClusterSighting(
  database: Database,
  lease: Lease,
  work: ClusterWork,
  { conditions, failure, progress, eraseKubeconfig: erase = false }: ClusterSighting,
): Promise<boolean> {
  const { written } = await writeGuarded(database, lease, async (transaction) => {
    await saveConditions(transaction, targetOf(work), conditions);
    await transaction.meshCluster.updateMany({
      where: { id: work.id, observedGeneration: { not: work.generation } },
      data: { observedGeneration: work.generation },
    });
    if (erase) await eraseKubeconfig(transaction, work);
    if (work.operation === null) return;
    if (failure !== undefined) {
      // Whatever was known of the cluster before, it is not Connecting any more.
      if (await finishOperation(transaction, work.operation, { ...failure, state: "failed" }))
        await insertClusterEvent(transaction, work, "cluster.connect-failed", failure);
    } else if (progress !== undefined) await reportOperation(transaction, work.operation, progress);
  });
  return written;
}

/** The one that was used; another that came in since is for the next look. */
async function eraseKubeconfig(transaction: Transaction, { kubeconfig }: ClusterWork): Promise<void> {
  if (kubeconfig !== null) await transaction.sealedSecret.deleteMany({ where: { id: kubeconfig.binding.id } });
}

async function insertClusterEvent(
  transaction: Transaction,
  { id, name, tenantId }: ClusterWork,
  type: string,
  text: { reason: string; message: string },
): Promise<void> {
  await insertEvent(transaction, { tenantId, type, objectKind: "cluster", objectId: id, objectName: name, ...text });
}

function targetOf({ id, name, tenantId, generation }: ClusterWork) {
  return { tenantId, objectKind: "cluster", objectId: id, objectName: name, observedGeneration: generation } as const;
}
