import { setTimeout as sleep } from "node:timers/promises";
import { ProvisionerError } from "../errors.ts";
import { proveEndpoint } from "../prove/prove-endpoint.ts";
import type { CredentialRecord } from "./credential-record.ts";
import { buildReviewBinding, type IdentitySlot } from "./identity.ts";
import type { RevisionScope } from "./scope.ts";

/**
 * How long istiod may take to act with a new token, in milliseconds: the kubelet syncs the volume within seconds once the pod is
 * touched, and client-go reads the file again each minute.
 */
export const takeUpMs = 75_000;

/** Time limit of one certificate while only the new identity may have tokens checked; it takes a fifth of a second. In milliseconds. */
const lookLimitMs = 2_000;

/** For giving the old identity its right back, in milliseconds. */
const giveBackMs = 1_500;

/** How long API servers get to take up a changed binding, in milliseconds. */
const authorizerLagMs = 1_000;

/**
 * A look that began too late could not give the old identity its right back. What it asks for has to be less than callers always have: deadlines of workers
 * are a few seconds away, and move on while the look goes on.
 */
const hasTimeToLook = (scope: RevisionScope): boolean => scope.deadline.remainingMs() > lookLimitMs + giveBackMs;

/** Connections go to replicas by chance: so many that all but one in a thousand looks meets each of up to three. */
const lookCount = (replicas: number): number => (replicas === 1 ? 2 : replicas * 7);

/** Touches istiod's pods, upon which the kubelet brings their volumes up to date at once instead of within a minute and a half. */
export async function touchPods(scope: RevisionScope, record: CredentialRecord): Promise<void> {
  const pods = await scope.istiodClient.list({ apiVersion: "v1", kind: "Pod" }, { namespace: scope.revision.id });
  await Promise.all(
    pods
      .filter((pod) => pod.metadata.deletionTimestamp === undefined)
      .map(async ({ metadata: { name, uid = "" } }) => {
        const annotations = { "pilothouse.io/token-issued-at": record.issuedAt };
        // With its UID, a pod that has gone in between is a conflict; without, it would be an incomplete new one.
        const touched = {
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name, namespace: scope.revision.id, uid, annotations },
        };
        await scope.istiodClient.apply(touched).catch((error: unknown) => {
          if (!(error instanceof ProvisionerError) || !["Conflict", "NotFound"].includes(error.code)) throw error;
        });
      }),
  );
}

/**
 * Finds out whether istiod acts with its new token: for a moment only the new identity may have proxies' tokens checked, and each
 * replica is asked for certificates, for which it has to check one. If it fails, the old identity gets the right back at once.
 * @param scope with time for a look; without, the answer is false
 * @param onWithheld called when only the new identity has the right
 */
export async function isNewTokenInUse(
  scope: RevisionScope,
  record: CredentialRecord,
  previous: IdentitySlot,
  onWithheld: () => void,
): Promise<boolean> {
  const { revision, mesh, meshClient } = scope;
  if (!hasTimeToLook(scope)) return false;
  await meshClient.apply(buildReviewBinding(revision, mesh, [record.slot]));
  let isInUse = false;
  try {
    onWithheld();
    // Authorizers hear of it by a watch; asked too early, they would still let the old identity pass.
    await sleep(authorizerLagMs, undefined, { signal: scope.signal }).catch(() => undefined);
    isInUse = await doesIssueCertificates(scope);
  } finally {
    if (!isInUse) await meshClient.apply(buildReviewBinding(revision, mesh, [previous, record.slot]));
  }
  return isInUse;
}

/** Whether each replica of istiod issues certificates, for which it has to have a token checked by the mesh cluster. */
export async function doesIssueCertificates(scope: RevisionScope): Promise<boolean> {
  const { revision, meshClient, provider, signal, hostname } = scope;
  for (let asked = 0; asked < lookCount(revision.replicas); asked += 1) {
    if (!hasTimeToLook(scope)) return false;
    const { proofs } = await proveEndpoint({
      meshClient,
      revision: { id: revision.id, hostname, version: revision.version.version },
      provider,
      signal,
      only: ["certificate"],
      timeoutMs: lookLimitMs,
    });
    if (!proofs.every((proof) => proof.ok)) return false;
  }
  return true;
}
