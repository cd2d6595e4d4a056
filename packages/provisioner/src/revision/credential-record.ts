import { z } from "zod";
import { kubeconfigSecretName } from "../istio/names.ts";
import { renderKubeconfigSecret } from "../istio/render-kubeconfig-secret.ts";
import { stringAt } from "../kube/field-at.ts";
import type { KubeObject } from "../kube/types.ts";
import type { BoundToken } from "../types.ts";
import type { IdentitySlot } from "./identity.ts";
import type { RevisionScope } from "./scope.ts";

/** Share of its life after which a token is renewed: late enough to be rare, early enough that a day of failures is survived. */
const renewalShare = 0.6;

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
  /** Set while istiod may not act with this token yet, and the one before it is lost. */
  reissuedAt: z.string().optional(),
});

/** Which token istiod has been given, and until when. */
export type CredentialRecord = z.infer<typeof RecordSchema>;

/** The Secret with istiod's kubeconfig and token. */
export function readCredentialSecret(scope: RevisionScope): Promise<KubeObject | undefined> {
  return scope.istiodClient.get({
    apiVersion: "v1",
    kind: "Secret",
    name: kubeconfigSecretName,
    namespace: scope.revision.id,
  });
}

/** The record on that Secret; undefined when there is none that can be read. */
export function readRecord(secret: KubeObject | undefined): CredentialRecord | undefined {
  const text = secret?.metadata.annotations?.[annotation];
  if (text === undefined) return undefined;
  try {
    return RecordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** One key of a Secret, decoded. */
export function readKey(secret: KubeObject | undefined, key: string): string | undefined {
  const data = z.record(z.string(), z.string()).safeParse(secret?.["data"]);
  const encoded = data.success ? data.data[key] : undefined;
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString("utf8");
}

/** UID of the ServiceAccount a token is for; undefined when it can't be read. A token dies with that very account. */
export function readAccountUid(token: string | undefined): string | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token?.split(".")[1] ?? "", "base64url").toString("utf8"));
    return stringAt(claims, "kubernetes.io", "serviceaccount", "uid");
  } catch {
    return undefined;
  }
}

/** Hands a token to istiod, with its record: one write, so that neither is ever there without the other. */
export async function writeCredential(scope: RevisionScope, token: string, record: CredentialRecord): Promise<void> {
  const secret = renderKubeconfigSecret(scope.revision, scope.mesh, token);
  await scope.istiodClient.apply({
    ...secret,
    metadata: {
      ...secret.metadata,
      annotations: { ...secret.metadata.annotations, [annotation]: JSON.stringify(record) },
    },
  });
}

/** The record of a token that was just issued. */
export function createRecord(slot: IdentitySlot, token: BoundToken): CredentialRecord {
  const { secretName, secretUid, issuedAt, expiresAt } = token;
  return { slot, secretName, secretUid, issuedAt, expiresAt };
}

/** When the token is to be renewed, in milliseconds since 1970. */
export function calculateRenewalDueMs(record: CredentialRecord): number {
  const issuedMs = Date.parse(record.issuedAt);
  return issuedMs + (Date.parse(record.expiresAt) - issuedMs) * renewalShare;
}
