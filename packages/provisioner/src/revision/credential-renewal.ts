import type { Condition } from "../types.ts";
import { grantRights, issueToken, revokeSlot } from "./credential-identity.ts";
import { calculateRenewalDueMs, createRecord, type CredentialRecord, writeCredential } from "./credential-record.ts";
import { doesIssueCertificates, isNewTokenInUse, takeUpMs, touchPods } from "./credential-take-up.ts";
import { otherSlot } from "./identity.ts";
import type { PhaseResult, RevisionScope } from "./scope.ts";

/**
 * Every step of a renewal of istiod's token after which `onStep` is called, in order. From `newTokenHandedOver` to
 * `oldReviewsWithheld` a minute passes and several reconciles; a look that fails takes the latter again.
 */
export const credentialRenewalSteps = [
  "newTokenIssued",
  "newTokenHandedOver",
  "oldReviewsWithheld",
  "newTokenSeen",
  "oldTokenRevoked",
  "renewalRecorded",
] as const;

/** After this long without istiod acting with the new token, the condition says so. In milliseconds. */
const takeUpOverdueMs = 10 * 60_000;

/**
 * An API server goes on taking a revoked token for up to 10 s (`TokenSuccessCacheTTL` in k8s.io/kubernetes/pkg/kubeapiserver), so
 * that for as long a certificate says nothing of which token istiod acts with. In milliseconds.
 */
const revokedTokenTakenMs = 11_000;

const condition = (status: Condition["status"], reason: string, message: string): Condition => ({
  type: "CredentialValid",
  status,
  reason,
  message,
});

/** The result of a phase that found, or left, a good token and nothing to wait for but its renewal. */
export function describeValid(scope: RevisionScope, record: CredentialRecord): PhaseResult {
  return {
    condition: condition("True", "TokenValid", `istiod's token is valid until ${record.expiresAt}.`),
    requeueAfterMs: Math.max(1_000, Math.min(calculateRenewalDueMs(record) - scope.nowMs(), 3_600_000)),
  };
}

/** Hands istiod a token of the other slot beside the one it has, which goes on working. */
export async function startRenewal(
  scope: RevisionScope,
  record: CredentialRecord,
): Promise<{ result: PhaseResult; record: CredentialRecord }> {
  const next = otherSlot(record.slot);
  const issued = await issueToken(scope, next);
  await grantRights(scope, [record.slot, next]);
  scope.step("newTokenIssued");
  const previous = { slot: record.slot, replacedAt: new Date(scope.nowMs()).toISOString() };
  const renewed = { ...createRecord(next, issued), previous };
  await writeCredential(scope, issued.token, renewed);
  scope.step("newTokenHandedOver");
  return { record: renewed, result: await finishRenewal(scope, { token: issued.token, record: renewed, previous }) };
}

/** Waits for istiod to act with its new token, run by run, and then ends the old identity. */
export async function finishRenewal(
  scope: RevisionScope,
  renewal: { token: string; record: CredentialRecord; previous: NonNullable<CredentialRecord["previous"]> },
): Promise<PhaseResult> {
  const { token, record, previous } = renewal;
  // A run that ended within a look has left the old identity without its right.
  await grantRights(scope, [previous.slot, record.slot]);
  const waitedMs = scope.nowMs() - Date.parse(previous.replacedAt);
  const waiting = condition(
    "True",
    "RenewalTakingEffect",
    `istiod has a new token, valid until ${record.expiresAt}, and is taking it up; the old one still works.`,
  );
  if (waitedMs < takeUpMs) {
    await touchPods(scope, record);
    return { condition: waiting, requeueAfterMs: Math.min(10_000, takeUpMs - waitedMs + 100) };
  }
  const isSeen = await isNewTokenInUse(scope, record, previous.slot, () => scope.step("oldReviewsWithheld"));
  if (!isSeen) {
    await touchPods(scope, record);
    if (waitedMs < takeUpOverdueMs) return { condition: waiting, requeueAfterMs: 10_000 };
    return {
      condition: condition(
        "False",
        "NewTokenNotTakenUp",
        `istiod still acts with the token before its newest one, ten minutes after it was handed over. Both work; the old one is kept. Restart istiod if this stays: kubectl -n ${scope.revision.id} rollout restart deployment/istiod`,
      ),
      requeueAfterMs: 60_000,
    };
  }
  scope.step("newTokenSeen");
  await grantRights(scope, [record.slot]);
  await revokeSlot(scope, previous.slot);
  scope.step("oldTokenRevoked");
  const { previous: _revoked, ...settled } = record;
  await writeCredential(scope, token, settled);
  scope.step("renewalRecorded");
  return describeValid(scope, settled);
}

/**
 * Waits, run by run, for istiod to act with a token that was issued because the one before it was lost: until it issues certificates,
 * or until it has had the time it takes; whether it then works is for the proofs to say.
 */
export async function finishReissue(
  scope: RevisionScope,
  reissue: { token: string; record: CredentialRecord; reissuedAt: string },
): Promise<PhaseResult> {
  const { token, record, reissuedAt } = reissue;
  await grantRights(scope, [record.slot]);
  // What a renewal that was cut off may have left.
  await revokeSlot(scope, otherSlot(record.slot));
  const waitedMs = scope.nowMs() - Date.parse(reissuedAt);
  const isSeen = waitedMs >= takeUpMs || (waitedMs >= revokedTokenTakenMs && (await doesIssueCertificates(scope)));
  if (!isSeen) {
    await touchPods(scope, record);
    return {
      condition: condition(
        "Unknown",
        "ReissueTakingEffect",
        `istiod's token was lost, so it has a new one, valid until ${record.expiresAt}, with which it acts within about a minute; until then it may have no access to the mesh cluster.`,
      ),
      requeueAfterMs: Math.min(5_000, takeUpMs - waitedMs + 100),
    };
  }
  const { reissuedAt: _taken, ...settled } = record;
  await writeCredential(scope, token, settled);
  return describeValid(scope, settled);
}
