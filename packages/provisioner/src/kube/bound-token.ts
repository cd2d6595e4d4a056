import { ProvisionerError } from "../errors.ts";
import { managedByLabel, managedByValue } from "../labels.ts";
import type { BoundToken } from "../types.ts";
import { fieldAt, isRecord } from "./field-at.ts";
import type { KubeClient, KubeObject } from "./types.ts";

/** `TokenRequest` grants nothing shorter (validation in k8s.io/kubernetes/pkg/apis/authentication). */
const shortestTokenLifetimeSeconds = 600;

interface BoundTokenWish {
  namespace: string;
  serviceAccount: string;
  /** Of the Secret the token lives and dies with; the same name for the same token on every run. */
  secretName: string;
  /** Further labels of the Secret, beside that of Pilothouse's management. */
  labels?: Record<string, string>;
  /** The API server's own audience when absent. */
  audiences?: string[];
  /** At least `shortestTokenLifetimeSeconds`. The API server may grant less, or more. */
  lifetimeSeconds: number;
  /** A Secret that is there already is replaced, and every token bound to it revoked with that. */
  revokeEarlier?: boolean;
}

/** @throws ProvisionerError `TokenLifetimeTooShort` (user) */
export function assertTokenLifetime(lifetimeSeconds: number): void {
  if (lifetimeSeconds >= shortestTokenLifetimeSeconds) return;
  throw new ProvisionerError(
    "user",
    "TokenLifetimeTooShort",
    `A token lives at least ${shortestTokenLifetimeSeconds} seconds, so ${lifetimeSeconds} is too short.`,
    { parameter: "tokenLifetimeSeconds" },
  );
}

/**
 * Makes a token that is bound to an empty Secret of its own, so that deleting the Secret revokes the token. A Secret that an
 * interrupted run left behind is used again unless `revokeEarlier` is set; its ServiceAccount must exist.
 *
 * @returns the token with the times that the API server granted
 * @throws ProvisionerError `TokenLifetimeTooShort` or `NameTaken` (kind user), or what the calls throw
 */
export async function createBoundToken(client: KubeClient, wish: BoundTokenWish): Promise<BoundToken> {
  const { namespace, serviceAccount, secretName, audiences, lifetimeSeconds } = wish;
  assertTokenLifetime(lifetimeSeconds);
  const secret = await ensureSecret(client, wish);
  const boundSecret = { name: secretName, uid: secret.metadata.uid ?? "" };
  const requestedAt = new Date();
  const { token, expiresAt } = await client.requestToken(
    { namespace, name: serviceAccount },
    { expirationSeconds: Math.round(lifetimeSeconds), boundSecret, ...(audiences === undefined ? {} : { audiences }) },
  );
  const issuedAt = readIssueTime(token) ?? requestedAt;
  return {
    token,
    namespace,
    serviceAccount,
    secretName,
    secretUid: boundSecret.uid,
    issuedAt: issuedAt.toISOString(),
    expiresAt: new Date(expiresAt).toISOString(),
  };
}

/**
 * Revokes a token by deleting its Secret, and only that very Secret.
 *
 * @returns false when it was gone already
 */
export function revokeBoundToken(
  client: KubeClient,
  token: Pick<BoundToken, "namespace" | "secretName" | "secretUid">,
): Promise<boolean> {
  return client.delete(
    { apiVersion: "v1", kind: "Secret", namespace: token.namespace, name: token.secretName },
    { uid: token.secretUid },
  );
}

async function ensureSecret(client: KubeClient, wish: BoundTokenWish): Promise<KubeObject> {
  const { namespace, secretName: name, serviceAccount } = wish;
  const wanted = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace, labels: { ...wish.labels, [managedByLabel]: managedByValue } },
    type: "Opaque",
  };
  try {
    return await client.create(wanted);
  } catch (error) {
    if (!(error instanceof ProvisionerError) || error.code !== "AlreadyExists") throw error;
  }
  const found = await client.get({ apiVersion: "v1", kind: "Secret", namespace, name });
  if (found === undefined || found.metadata.deletionTimestamp !== undefined) {
    throw new ProvisionerError(
      "transient",
      "SecretBeingDeleted",
      `The Secret ${namespace}/${name} at ${client.server}, to which a token of ${serviceAccount} is to be bound, is just being deleted; it is tried again.`,
    );
  }
  const data = fieldAt(found, "data");
  const isEmpty = data === undefined || (isRecord(data) && Object.keys(data).length === 0);
  if (isEmpty && found.metadata.labels?.[managedByLabel] === managedByValue) {
    if (wish.revokeEarlier !== true) return found;
    await revokeBoundToken(client, { namespace, secretName: name, secretUid: found.metadata.uid ?? "" });
    return client.create(wanted);
  }
  throw new ProvisionerError(
    "user",
    "NameTaken",
    `The Secret ${namespace}/${name} at ${client.server} isn't Pilothouse's, which needs that name to bind a token to. Remove or rename it.`,
  );
}

/** The `iat` claim, in the API server's clock as the expiry is; undefined when the token isn't readable as JWT. */
function readIssueTime(token: string): Date | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    const issued = fieldAt(claims, "iat");
    return typeof issued === "number" ? new Date(issued * 1000) : undefined;
  } catch {
    return undefined;
  }
}
