import { createBoundToken } from "../kube/bound-token.ts";
import type { KubeObject } from "../kube/types.ts";
import type { BoundToken } from "../types.ts";
import {
  buildBindings,
  buildReviewBinding,
  buildServiceAccount,
  identityNames,
  identityNamespace,
  type IdentitySlot,
} from "./identity.ts";
import type { RevisionScope } from "./scope.ts";

/** The ServiceAccount of a slot, if it is there. */
export function findAccount(scope: RevisionScope, slot: IdentitySlot): Promise<KubeObject | undefined> {
  const name = identityNames.serviceAccount(scope.revision.id, slot);
  return scope.meshClient.get({ apiVersion: "v1", kind: "ServiceAccount", namespace: identityNamespace, name });
}

/** Gives exactly these slots all rights of istiod. */
export async function grantRights(scope: RevisionScope, slots: IdentitySlot[]): Promise<void> {
  const { revision, mesh, meshClient } = scope;
  const bindings = [...buildBindings(revision, mesh, slots), buildReviewBinding(revision, mesh, slots)];
  await Promise.all(bindings.map((binding) => meshClient.apply(binding)));
}

/** Makes the identity of a slot, and a token for it. */
export async function issueToken(scope: RevisionScope, slot: IdentitySlot): Promise<BoundToken> {
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

/** Ends the token and the identity of a slot that istiod no longer acts as. */
export async function revokeSlot(scope: RevisionScope, slot: IdentitySlot): Promise<void> {
  const { meshClient, revision } = scope;
  const at = { apiVersion: "v1", namespace: identityNamespace };
  await meshClient.delete({ ...at, kind: "Secret", name: identityNames.boundSecret(revision.id, slot) });
  await meshClient.delete({ ...at, kind: "ServiceAccount", name: identityNames.serviceAccount(revision.id, slot) });
}
