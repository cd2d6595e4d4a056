import type { Deadline } from "../deadline.ts";
import { ProvisionerError } from "../errors.ts";
import { createBoundToken, revokeBoundToken } from "../kube/bound-token.ts";
import type { KubeClient } from "../kube/types.ts";
import { labelsForCluster } from "../labels.ts";
import { identityNamespace, identitySlots } from "../revision/identity.ts";
import type { MeshCluster, ProviderConfig } from "../types.ts";
import { clusterNames } from "./cluster-names.ts";
import { createMeshClient } from "./mesh-client.ts";

/** Share of a token's life after which it is renewed: late enough to be rare, early enough to survive hours of failures. */
const renewalShare = 0.6;

/**
 * How long a Secret that is newer than the stored token is left alone: somebody who connects the cluster again may just have been given a token bound
 * to it, and not have stored that yet. In milliseconds.
 */
const spareMinAgeMs = 5 * 60_000;

/** Every step after which `onStep` is called, in order, when a token is renewed. */
export const renewSteps = ["newTokenIssued", "newTokenUsed", "clusterSaved", "oldTokenRevoked"] as const;

export type RenewStep = (typeof renewSteps)[number];

export interface RenewRequest {
  cluster: MeshCluster;
  provider: ProviderConfig;
  /** Nothing is written after it. */
  deadline: Deadline;
  signal?: AbortSignal;
  /**
   * Stores the cluster with its new token for good. The old token is revoked only after that: if it were the other way round, a
   * process that ends in between would have lost the cluster.
   */
  saveCluster: (cluster: MeshCluster) => Promise<void>;
  /** The wall clock, in milliseconds since 1970. */
  nowMs?: () => number;
  onStep?: (step: RenewStep) => void;
}

export interface RenewResult {
  cluster: MeshCluster;
  renewed: boolean;
  /** When to call again, in milliseconds from now. */
  requeueAfterMs: number;
}

/**
 * Renews Pilothouse's own token once 60 % of its life is over: a new one, used once, stored by the caller, then the old one
 * revoked. What an interrupted renewal left is revoked by a later call, due or not: at once when it is older than the token, else when it is five
 * minutes old. A renewal that is due before that uses the Secret it left.
 *
 * @throws ProvisionerError TokenExpired (user) when the token is past its end, or what the calls throw
 */
export async function renewClusterToken(request: RenewRequest): Promise<RenewResult> {
  const { cluster, deadline, provider, signal } = request;
  const nowMs = (request.nowMs ?? Date.now)();
  const issuedMs = Date.parse(cluster.token.issuedAt);
  const lifetimeMs = Date.parse(cluster.token.expiresAt) - issuedMs;
  const dueInMs = issuedMs + lifetimeMs * renewalShare - nowMs;
  assertNotExpired(cluster, nowMs);

  const options = { deadline, ...(signal === undefined ? {} : { signal }) };
  const spare = identitySlots.map(clusterNames.tokenSecret).find((name) => name !== cluster.token.secretName) ?? "";
  const client = createMeshClient(cluster, provider, options);
  try {
    await removeSpare(client, { name: spare, issuedMs, nowMs });
    if (dueInMs > 0) return { cluster, renewed: false, requeueAfterMs: dueInMs };
    const token = await createBoundToken(client, {
      namespace: identityNamespace,
      serviceAccount: clusterNames.pilothouse,
      secretName: spare,
      labels: labelsForCluster(cluster.id),
      lifetimeSeconds: lifetimeMs / 1000,
    });
    request.onStep?.("newTokenIssued");
    const renewed = { ...cluster, token };
    const newClient = createMeshClient(renewed, provider, options);
    try {
      await replaceToken(request, renewed, newClient);
    } finally {
      await newClient.close();
    }
    const newLifetimeMs = Date.parse(token.expiresAt) - Date.parse(token.issuedAt);
    return { cluster: renewed, renewed: true, requeueAfterMs: newLifetimeMs * renewalShare };
  } finally {
    await client.close();
  }
}

/** What is bound to the spare Secret has been replaced, or was never stored; unless it is just being stored by somebody else. */
async function removeSpare(
  client: KubeClient,
  { name, issuedMs, nowMs }: { name: string; issuedMs: number; nowMs: number },
): Promise<void> {
  const ref = { apiVersion: "v1", kind: "Secret", namespace: identityNamespace, name };
  const secret = await client.get(ref);
  if (secret === undefined) return;
  const { creationTimestamp = "", uid = "" } = secret.metadata;
  const createdMs = Date.parse(creationTimestamp);
  if (createdMs < issuedMs || createdMs < nowMs - spareMinAgeMs) await client.delete(ref, { uid });
}

async function replaceToken(
  { cluster, saveCluster, onStep }: RenewRequest,
  renewed: MeshCluster,
  newClient: KubeClient,
): Promise<void> {
  const { namespace, secretName } = renewed.token;
  await newClient.get({ apiVersion: "v1", kind: "Secret", namespace, name: secretName });
  onStep?.("newTokenUsed");
  await saveCluster(renewed);
  onStep?.("clusterSaved");
  await revokeBoundToken(newClient, cluster.token);
  onStep?.("oldTokenRevoked");
}

function assertNotExpired({ server, token }: MeshCluster, nowMs: number): void {
  if (Date.parse(token.expiresAt) > nowMs) return;
  throw new ProvisionerError(
    "user",
    "TokenExpired",
    `Pilothouse's token for ${server} has expired, so that it can't log in any more. Connect the cluster again with a kubeconfig.`,
  );
}
