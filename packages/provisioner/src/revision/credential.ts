import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ProvisionerError } from "../errors.ts";
import { kubeconfigSecretName } from "../istio/names.ts";
import { buildIstiodKubeconfig, renderKubeconfigSecret } from "../istio/render-kubeconfig-secret.ts";
import { createBoundToken } from "../kube/bound-token.ts";
import { stringAt } from "../kube/field-at.ts";
import type { KubeObject } from "../kube/types.ts";
import { proveEndpoint } from "../prove/prove-endpoint.ts";
import type { BoundToken, Condition } from "../types.ts";
import {
  buildBindings,
  buildReviewBinding,
  buildServiceAccount,
  identityNames,
  identityNamespace,
  type IdentitySlot,
  otherSlot,
} from "./identity.ts";
import type { PhaseResult, RevisionScope } from "./scope.ts";

/** Share of its life after which a token is renewed: late enough to be rare, early enough that a day of failures is survived. */
const renewalShare = 0.6;

/**
 * How long istiod may take to act with a new token, in milliseconds: the kubelet syncs the volume within seconds once the pod is
 * touched, and client-go reads the file again each minute.
 */
const takeUpMs = 75_000;

/** After this long without istiod acting with the new token, the condition says so. In milliseconds. */
const takeUpOverdueMs = 10 * 60_000;

/** Time limit of one certificate while only the new identity may have tokens checked; it takes a fifth of a second. In milliseconds. */
const lookLimitMs = 3_000;

const annotation = "pilothouse.io/credential";

/** What the Secret with istiod's kubeconfig says about the token in it; not the token itself. */
const RecordSchema = z.strictObject({
  slot: z.enum(["a", "b"]),
  secretName: z.string(),
  secretUid: z.string(),
  issuedAt: z.string(),
  expiresAt: z.string(),
  /** Set while the token before this one may still be in use. */
  previous: z.strictObject({ slot: z.enum(["a", "b"]), replacedAt: z.string() }).optional(),
});

/** Which token istiod has been given, and until when. */
export type CredentialRecord = z.infer<typeof RecordSchema>;

const type = "CredentialValid";

const condition = (status: Condition["status"], reason: string, message: string): Condition => ({
  type,
  status,
  reason,
  message,
});

function readRecord(secret: KubeObject | undefined): CredentialRecord | undefined {
  const text = secret?.metadata.annotations?.[annotation];
  if (text === undefined) return undefined;
  try {
    return RecordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function readKey(secret: KubeObject | undefined, key: string): string | undefined {
  const data = z.record(z.string(), z.string()).safeParse(secret?.["data"]);
  const encoded = data.success ? data.data[key] : undefined;
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString("utf8");
}

/** UID of the ServiceAccount a token is for; undefined when it can't be read. A token dies with that very account. */
function readAccountUid(token: string | undefined): string | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token?.split(".")[1] ?? "", "base64url").toString("utf8"));
    return stringAt(claims, "kubernetes.io", "serviceaccount", "uid");
  } catch {
    return undefined;
  }
}

async function applyAll(scope: RevisionScope, objects: KubeObject[]): Promise<void> {
  await Promise.all(objects.map((object) => scope.meshClient.apply(object)));
}

/** Gives the slots all rights of istiod. */
async function grantRights(scope: RevisionScope, slots: IdentitySlot[]): Promise<void> {
  const { revision, mesh } = scope;
  await applyAll(scope, [...buildBindings(revision, mesh, slots), buildReviewBinding(revision, mesh, slots)]);
}

async function issueToken(scope: RevisionScope, slot: IdentitySlot): Promise<BoundToken> {
  const { revision, mesh } = scope;
  await scope.meshClient.apply(buildServiceAccount(revision, mesh, slot));
  return createBoundToken(scope.meshClient, {
    namespace: identityNamespace,
    serviceAccount: identityNames.serviceAccount(revision.id, slot),
    secretName: identityNames.boundSecret(revision.id, slot),
    lifetimeSeconds: revision.tokenLifetimeSeconds,
    labels: buildServiceAccount(revision, mesh, slot).metadata.labels ?? {},
  });
}

async function writeSecret(scope: RevisionScope, token: string, record: CredentialRecord): Promise<void> {
  const secret = renderKubeconfigSecret(scope.revision, scope.mesh, token);
  await scope.istiodClient.apply({
    ...secret,
    metadata: {
      ...secret.metadata,
      annotations: { ...secret.metadata.annotations, [annotation]: JSON.stringify(record) },
    },
  });
}

function toRecord(slot: IdentitySlot, token: BoundToken): CredentialRecord {
  const { secretName, secretUid, issuedAt, expiresAt } = token;
  return { slot, secretName, secretUid, issuedAt, expiresAt };
}

const renewalDueMs = (record: CredentialRecord): number => {
  const issuedMs = Date.parse(record.issuedAt);
  return issuedMs + (Date.parse(record.expiresAt) - issuedMs) * renewalShare;
};

/** Touches istiod's pods, upon which the kubelet brings their volumes up to date at once instead of within a minute and a half. */
async function touchPods(scope: RevisionScope, record: CredentialRecord): Promise<void> {
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

/** Ends the token and the identity of a slot that istiod no longer acts as. */
async function revokeSlot(scope: RevisionScope, slot: IdentitySlot): Promise<void> {
  const { meshClient, revision } = scope;
  const at = { apiVersion: "v1", namespace: identityNamespace };
  await meshClient.delete({ ...at, kind: "Secret", name: identityNames.boundSecret(revision.id, slot) });
  await meshClient.delete({ ...at, kind: "ServiceAccount", name: identityNames.serviceAccount(revision.id, slot) });
}

/**
 * Finds out whether istiod acts with its new token: for a moment only the new identity may have proxies' tokens checked, and each
 * replica is asked for certificates, for which it has to check one. If it fails, the old identity gets the right back at once.
 */
async function isNewTokenInUse(
  scope: RevisionScope,
  record: CredentialRecord,
  previous: IdentitySlot,
): Promise<boolean> {
  const { revision, mesh, meshClient } = scope;
  if (!hasTimeToLook(scope)) return false;
  await meshClient.apply(buildReviewBinding(revision, mesh, [record.slot]));
  let isInUse = false;
  try {
    // Authorizers hear of it by a watch; asked too early, they would still let the old identity pass.
    await sleep(authorizerLagMs, undefined, { signal: scope.signal }).catch(() => undefined);
    isInUse = await doesIssueCertificates(scope);
  } finally {
    if (!isInUse) await meshClient.apply(buildReviewBinding(revision, mesh, [previous, record.slot]));
  }
  return isInUse;
}

/** A look that began too late could not give the old identity its right back. */
const hasTimeToLook = (scope: RevisionScope): boolean => scope.deadline.remainingMs() > 2 * lookLimitMs;

/** Connections go to replicas by chance: so many that all but one in a thousand looks meets each of up to three. */
const lookCount = (replicas: number): number => (replicas === 1 ? 2 : replicas * 7);

/** How long API servers get to take up a changed binding, in milliseconds. */
const authorizerLagMs = 1_000;

async function doesIssueCertificates(scope: RevisionScope): Promise<boolean> {
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

async function finishRenewal(
  scope: RevisionScope,
  secret: KubeObject | undefined,
  record: CredentialRecord,
  previous: NonNullable<CredentialRecord["previous"]>,
): Promise<PhaseResult> {
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
  if (!(await isNewTokenInUse(scope, record, previous.slot))) {
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
  const token = readKey(secret, "token");
  if (token === undefined)
    throw new ProvisionerError(
      "transient",
      "CredentialMissing",
      "The Secret with istiod's kubeconfig has no token; it is issued anew.",
    );
  await grantRights(scope, [record.slot]);
  await revokeSlot(scope, previous.slot);
  scope.step("oldTokenRevoked");
  const { previous: _revoked, ...settled } = record;
  await writeSecret(scope, token, settled);
  return valid(scope, settled);
}

function valid(scope: RevisionScope, record: CredentialRecord): PhaseResult {
  return {
    condition: condition("True", "TokenValid", `istiod's token is valid until ${record.expiresAt}.`),
    requeueAfterMs: Math.max(1_000, Math.min(renewalDueMs(record) - scope.nowMs(), 3_600_000)),
  };
}

/**
 * Issues the token of a slot, first or anew. Where istiod may still act as the other slot (a renewal was under way, or its record is
 * lost), that one keeps its rights until the new token is seen in use.
 */
async function reissueToken(
  scope: RevisionScope,
  slot: IdentitySlot,
  found: { isOtherInUse: boolean; isRepair: boolean },
): Promise<{ result: PhaseResult; record: CredentialRecord }> {
  const other = otherSlot(slot);
  const token = await issueToken(scope, slot);
  await grantRights(scope, found.isOtherInUse ? [other, slot] : [slot]);
  scope.step("identityGranted");
  const issued = toRecord(slot, token);
  const previous = { slot: other, replacedAt: new Date(scope.nowMs()).toISOString() };
  const record = found.isOtherInUse ? { ...issued, previous } : issued;
  await writeSecret(scope, token.token, record);
  scope.step("credentialWritten");
  if (found.isOtherInUse) return { record, result: await finishRenewal(scope, undefined, record, previous) };
  if (found.isRepair) {
    await revokeSlot(scope, other);
    await touchPods(scope, record);
  }
  return { record, result: valid(scope, record) };
}

/**
 * Gives istiod an identity in the mesh cluster and a token for it, and renews the token: at 60 % of its life a new one for a second
 * identity, seen in use, then the old identity is ended. Never changes a token that is in use and good.
 * @returns the phase's result, and what istiod has now
 */
export async function ensureCredential(
  scope: RevisionScope,
): Promise<{ result: PhaseResult; record?: CredentialRecord }> {
  const { istiodClient, meshClient, revision, mesh } = scope;
  const secret = await istiodClient.get({
    apiVersion: "v1",
    kind: "Secret",
    name: kubeconfigSecretName,
    namespace: revision.id,
  });
  const record = readRecord(secret);
  const inSystem = { apiVersion: "v1", namespace: identityNamespace };
  const findAccount = (slot: IdentitySlot): Promise<KubeObject | undefined> =>
    meshClient.get({ ...inSystem, kind: "ServiceAccount", name: identityNames.serviceAccount(revision.id, slot) });
  const [bound, account] =
    record === undefined
      ? []
      : await Promise.all([
          meshClient.get({ ...inSystem, kind: "Secret", name: record.secretName }),
          findAccount(record.slot),
        ]);
  const token = readKey(secret, "token");
  const isGood =
    record !== undefined &&
    bound?.metadata.uid === record.secretUid &&
    account !== undefined &&
    account.metadata.uid === (readAccountUid(token) ?? account.metadata.uid) &&
    Date.parse(record.expiresAt) > scope.nowMs() &&
    token !== undefined &&
    readKey(secret, "config") === buildIstiodKubeconfig(mesh);
  if (!isGood) {
    const slot = record?.slot ?? "a";
    const isOtherInUse =
      record === undefined ? (await findAccount(otherSlot(slot))) !== undefined : record.previous !== undefined;
    return reissueToken(scope, slot, { isOtherInUse, isRepair: record !== undefined });
  }
  if (record.previous !== undefined)
    return { record, result: await finishRenewal(scope, secret, record, record.previous) };
  if (renewalDueMs(record) > scope.nowMs()) {
    await meshClient.apply(buildServiceAccount(revision, mesh, record.slot));
    await grantRights(scope, [record.slot]);
    scope.step("identityGranted");
    scope.step("credentialWritten");
    return { record, result: valid(scope, record) };
  }
  const next = otherSlot(record.slot);
  const issued = await issueToken(scope, next);
  await grantRights(scope, [record.slot, next]);
  const renewed = {
    ...toRecord(next, issued),
    previous: { slot: record.slot, replacedAt: new Date(scope.nowMs()).toISOString() },
  };
  await writeSecret(scope, issued.token, renewed);
  scope.step("newTokenHandedOver");
  return { record: renewed, result: await finishRenewal(scope, undefined, renewed, renewed.previous) };
}
