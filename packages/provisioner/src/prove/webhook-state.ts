import type { KubeClient } from "../kube/types.ts";
import { fieldAt } from "../kube/field-at.ts";
import { waitUnlessAborted } from "./time-limit.ts";
import { ProofFailure } from "./reasons.ts";

export type WebhookState = "absent" | "failsOpen" | "active" | "unknown";

/**
 * Looks at the webhook configuration of a revision, to say why an object went past it: asked only after a proof has failed.
 * `unknown` when it may not be read.
 */
export async function findWebhookState(
  meshClient: KubeClient,
  kind: "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
  revisionId: string,
  signal: AbortSignal,
): Promise<WebhookState> {
  const listed = meshClient
    .list({ apiVersion: "admissionregistration.k8s.io/v1", kind }, { labelSelector: `istio.io/rev=${revisionId}` })
    .catch(() => undefined);
  const found = await waitUnlessAborted(
    listed,
    signal,
    () => new ProofFailure("MeshApiUnavailable", `The mesh cluster's API server did not list its ${kind}s in time.`),
  );
  if (found === undefined) return "unknown";
  const webhooks = found.flatMap((configuration): unknown[] => {
    const list: unknown = configuration["webhooks"];
    return Array.isArray(list) ? list : [];
  });
  if (webhooks.length === 0) return "absent";
  const open = webhooks.some((webhook) => fieldAt(webhook, "failurePolicy") === "Ignore");
  return open ? "failsOpen" : "active";
}
