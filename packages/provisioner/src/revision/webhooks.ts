import { z } from "zod";
import type { MeshWebhooks, WebhookConfiguration } from "../istio/render-webhooks.ts";
import { ProvisionerError } from "../errors.ts";
import type { KubeObject, ObjectRef } from "../kube/types.ts";
import { proveEndpoint } from "../prove/prove-endpoint.ts";
import { pickFailure } from "../prove/pick-failure.ts";
import { proveRevision } from "../prove/prove-revision.ts";
import { probeNamespace } from "../prove/types.ts";
import type { PhaseResult, RevisionScope } from "./scope.ts";

const apiVersion = "admissionregistration.k8s.io/v1";

/** The two configurations of a revision, the injector first: a removal takes away first what stops pods. */
function listWebhookRefs(webhooks: MeshWebhooks): ObjectRef[] {
  return [
    { apiVersion, kind: "MutatingWebhookConfiguration", name: webhooks.mutating.name },
    { apiVersion, kind: "ValidatingWebhookConfiguration", name: webhooks.validating.name },
  ];
}

/** What of a revision's webhooks the mesh cluster has. */
interface WebhookState {
  missing: WebhookConfiguration[];
  /** Some are missing, or still limited to the probe's namespace: the API server's own way to istiod is not proven. */
  isUnproven: boolean;
}

/** Looks which of a revision's webhooks the mesh cluster has, and whether they hold for the tenant's namespaces yet. */
export async function readWebhookState(scope: RevisionScope, webhooks: MeshWebhooks): Promise<WebhookState> {
  const found = await Promise.all(listWebhookRefs(webhooks).map((ref) => scope.meshClient.get(ref)));
  const missing = [webhooks.mutating, webhooks.validating].filter((_, index) => found[index] === undefined);
  return {
    missing,
    isUnproven: missing.length > 0 || found.some((object) => object !== undefined && isLimited(object)),
  };
}

const LimitSchema = z.object({
  webhooks: z.array(
    z.looseObject({
      namespaceSelector: z
        .looseObject({ matchExpressions: z.array(z.looseObject({ key: z.string() })).default([]) })
        .default({ matchExpressions: [] }),
    }),
  ),
});

const limit = { key: "kubernetes.io/metadata.name", operator: "In", values: [probeNamespace] };

/** A configuration that holds for the probe's namespace alone. */
function limitToProbe(configuration: KubeObject): KubeObject {
  const { webhooks } = LimitSchema.parse(configuration);
  return {
    ...configuration,
    webhooks: webhooks.map((webhook) => ({
      ...webhook,
      namespaceSelector: {
        ...webhook.namespaceSelector,
        matchExpressions: [...webhook.namespaceSelector.matchExpressions, limit],
      },
    })),
  };
}

const isLimited = (configuration: KubeObject): boolean =>
  LimitSchema.parse(configuration).webhooks.some(({ namespaceSelector }) =>
    namespaceSelector.matchExpressions.some(
      (expression) => JSON.stringify(sortEntries(expression)) === JSON.stringify(sortEntries(limit)),
    ),
  );

const sortEntries = (value: object): [string, unknown][] =>
  Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));

/**
 * Proves through the public edge all that the webhooks will rely on, while none of them exists.
 * @returns the phase's result and, when proven, the mesh's root certificates as PEM
 */
export async function proveBeforeWebhooks(scope: RevisionScope): Promise<{ result: PhaseResult; caBundle?: string }> {
  const type = "EndpointProven";
  const { proofs, rootCertificates } = await proveEndpoint({
    meshClient: scope.meshClient,
    revision: { id: scope.revision.id, hostname: scope.hostname, version: scope.revision.version.version },
    provider: scope.provider,
    signal: scope.signal,
  });
  const failed = proofs.find((proof) => !proof.ok);
  if (failed !== undefined) {
    return {
      result: {
        condition: {
          type,
          status: failed.verdict === "unknown" ? "Unknown" : "False",
          reason: failed.reason ?? "NotProven",
          message: failed.message,
        },
        requeueAfterMs: failed.waitable ? 150 : 5_000,
        blocks: true,
      },
    };
  }
  const message = `${scope.hostname} answers as webhooks and proxies need it.`;
  return {
    result: { condition: { type, status: "True", reason: "Proven", message } },
    caBundle: rootCertificates.join("\n"),
  };
}

/**
 * Installs webhooks so that at no moment a pod of the tenant's is refused: first for the probe's namespace alone, trusted from their
 * first call on; when the API server has been seen to reach istiod through them, for all. What istiod owns in them is never touched.
 */
export async function ensureWebhooks(
  scope: RevisionScope,
  webhooks: MeshWebhooks,
  state: WebhookState,
  caBundle: string | undefined,
): Promise<PhaseResult> {
  const type = "WebhooksInstalled";
  for (const webhook of state.missing) {
    if (caBundle === undefined)
      throw new ProvisionerError("notReady", "RootCertificateUnknown", "The mesh's root certificate is not known yet.");
    await createUnlessPresent(scope, webhook, caBundle);
  }
  if (state.isUnproven) {
    scope.step("webhooksTried");
    const { proofs } = await proveRevision({
      meshClient: scope.meshClient,
      revision: { id: scope.revision.id, hostname: scope.hostname, version: scope.revision.version.version },
      provider: scope.provider,
      signal: scope.signal,
      only: ["admission", "injection"],
    });
    const failed = pickFailure(proofs);
    if (failed !== undefined) {
      return {
        condition: {
          type,
          status: failed.verdict === "unknown" ? "Unknown" : "False",
          reason: failed.reason ?? "NotProven",
          message: `The webhooks hold for namespace ${probeNamespace} only, until they work there. ${failed.message}`,
        },
        requeueAfterMs: failed.waitable ? 150 : 5_000,
        blocks: true,
      };
    }
  }
  await Promise.all(
    [webhooks.mutating, webhooks.validating].map((webhook) => scope.meshClient.apply(webhook.forApply())),
  );
  const message = "The mesh cluster's API server asks istiod to inject sidecars and to check Istio objects.";
  return { condition: { type, status: "True", reason: "Installed", message } };
}

async function createUnlessPresent(
  scope: RevisionScope,
  webhook: WebhookConfiguration,
  caBundle: string,
): Promise<void> {
  try {
    await scope.meshClient.create(limitToProbe(webhook.forCreate(caBundle)));
  } catch (error) {
    if (!(error instanceof ProvisionerError) || error.code !== "AlreadyExists") throw error;
  }
}
