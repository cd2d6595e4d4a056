import { buildIstiodKubeconfig } from "../istio/render-kubeconfig-secret.ts";
import { findAccount, grantRights, issueToken, revokeSlot } from "./credential-identity.ts";
import {
  calculateRenewalDueMs,
  createRecord,
  type CredentialRecord,
  readAccountUid,
  readCredentialSecret,
  readKey,
  readRecord,
  writeCredential,
} from "./credential-record.ts";
import { describeValid, finishReissue, finishRenewal, startRenewal } from "./credential-renewal.ts";
import { touchPods } from "./credential-take-up.ts";
import { buildServiceAccount, identityNamespace, type IdentitySlot, otherSlot } from "./identity.ts";
import type { PhaseResult, RevisionScope } from "./scope.ts";

/** What there is of istiod's credential. */
interface FoundCredential {
  record: CredentialRecord | undefined;
  token: string | undefined;
  /** The token is there, works, and is the one that was recorded. */
  isTokenGood: boolean;
  /** The kubeconfig beside it leads to the mesh cluster. */
  isConfigCurrent: boolean;
}

async function inspectCredential(scope: RevisionScope): Promise<FoundCredential> {
  const secret = await readCredentialSecret(scope);
  const record = readRecord(secret);
  const token = readKey(secret, "token");
  const isConfigCurrent = readKey(secret, "config") === buildIstiodKubeconfig(scope.mesh);
  if (record === undefined || token === undefined) return { record, token, isTokenGood: false, isConfigCurrent };
  const [bound, account] = await Promise.all([
    scope.meshClient.get({ apiVersion: "v1", kind: "Secret", namespace: identityNamespace, name: record.secretName }),
    findAccount(scope, record.slot),
  ]);
  const isTokenGood =
    bound?.metadata.uid === record.secretUid &&
    account !== undefined &&
    account.metadata.uid === (readAccountUid(token) ?? account.metadata.uid) &&
    Date.parse(record.expiresAt) > scope.nowMs();
  return { record, token, isTokenGood, isConfigCurrent };
}

/**
 * Issues the token of a slot, first or anew. Where istiod may still act as the other slot (a renewal was under way, or its record is
 * lost), that one keeps its rights until the new token is seen in use.
 */
async function issueCredential(
  scope: RevisionScope,
  slot: IdentitySlot,
  found: { isOtherInUse: boolean; isRepair: boolean; isTokenLost: boolean },
): Promise<{ result: PhaseResult; record: CredentialRecord }> {
  const other = otherSlot(slot);
  const issued = await issueToken(scope, slot);
  const { token } = issued;
  await grantRights(scope, found.isOtherInUse ? [other, slot] : [slot]);
  scope.step("identityGranted");
  const changedAt = new Date(scope.nowMs()).toISOString();
  const previous = { slot: other, replacedAt: changedAt };
  const isReissue = found.isTokenLost && !found.isOtherInUse;
  const record = {
    ...createRecord(slot, issued),
    ...(found.isOtherInUse ? { previous } : {}),
    ...(isReissue ? { reissuedAt: changedAt } : {}),
  };
  await writeCredential(scope, token, record);
  scope.step("credentialWritten");
  if (found.isOtherInUse) return { record, result: await finishRenewal(scope, { token, record, previous }) };
  if (isReissue) return { record, result: await finishReissue(scope, { token, record, reissuedAt: changedAt }) };
  if (found.isRepair) {
    await revokeSlot(scope, other);
    await touchPods(scope, record);
  }
  return { record, result: describeValid(scope, record) };
}

/**
 * Gives istiod an identity in the mesh cluster and a token for it, and renews the token: at 60 % of its life a new one for a second
 * identity, seen in use, then the old identity is ended. Never changes a token that is in use and good.
 * @returns the phase's result, and what istiod has now
 */
export async function ensureCredential(
  scope: RevisionScope,
): Promise<{ result: PhaseResult; record?: CredentialRecord }> {
  const { meshClient, revision, mesh } = scope;
  const { record, token, isTokenGood, isConfigCurrent } = await inspectCredential(scope);
  if (record === undefined || token === undefined || !isTokenGood || !isConfigCurrent) {
    const slot = record?.slot ?? "a";
    const isRepair = record !== undefined;
    const isOtherInUse =
      record === undefined ? (await findAccount(scope, otherSlot(slot))) !== undefined : record.previous !== undefined;
    const isTokenLost = isRepair && (!isTokenGood || record.reissuedAt !== undefined);
    return issueCredential(scope, slot, { isOtherInUse, isRepair, isTokenLost });
  }
  if (record.previous !== undefined)
    return { record, result: await finishRenewal(scope, { token, record, previous: record.previous }) };
  if (record.reissuedAt !== undefined)
    return { record, result: await finishReissue(scope, { token, record, reissuedAt: record.reissuedAt }) };
  if (calculateRenewalDueMs(record) <= scope.nowMs()) return startRenewal(scope, record);
  await meshClient.apply(buildServiceAccount(revision, mesh, record.slot));
  await grantRights(scope, [record.slot]);
  scope.step("identityGranted");
  scope.step("credentialWritten");
  return { record, result: describeValid(scope, record) };
}
