import type { KubeClient } from "../kube/types.ts";
import { describeOtherWebhook, readRefusal } from "./admission-errors.ts";
import { ProofFailure } from "./reasons.ts";
import type { ProofOutcome } from "./run-proof.ts";
import { checkSidecar, createProbePod } from "./sidecar.ts";
import { waitUnlessAborted } from "./time-limit.ts";
import type { ProofRevision } from "./types.ts";
import { findWebhookState } from "./webhook-state.ts";

/**
 * Proves that a pod created in the mesh cluster gets the revision's sidecar, which will turn to the revision's public name: a
 * dry-run create through the injection webhook. Nothing is stored. Fails with a ProofFailure that says what is in the way.
 */
export async function proveInjection(
  meshClient: KubeClient,
  revision: ProofRevision,
  xdsPort: number,
  signal: AbortSignal,
): Promise<ProofOutcome> {
  const dryRun = { what: "a pod", hostname: revision.hostname };
  const attempt = meshClient.create(createProbePod(revision.id), { dryRun: true }).catch((error: unknown) => {
    const refusal = readRefusal(error, dryRun);
    if (refusal.by !== "webhook") throw refusal.failure;
    if (!refusal.webhook.endsWith("sidecar-injector.istio.io")) {
      throw describeOtherWebhook(refusal.webhook, refusal.words, dryRun);
    }
    throw new ProofFailure(
      "OtherWords",
      `istiod behind ${revision.hostname} refuses to inject its sidecar: ${refusal.words}. Check the injector's template and values.`,
      { webhook: refusal.webhook, said: refusal.words },
    );
  });
  const pod = await waitUnlessAborted(attempt, signal, () => describeSilence(revision.hostname));
  const expected = { revisionId: revision.id, address: `${revision.hostname}:${xdsPort}` };
  const details = checkSidecar(pod, expected);
  if (details === undefined) throw await describeMissingSidecar(meshClient, revision, signal);
  return { message: "A new pod of the mesh cluster gets this revision's sidecar, told of its public name.", details };
}

async function describeMissingSidecar(
  meshClient: KubeClient,
  revision: ProofRevision,
  signal: AbortSignal,
): Promise<ProofFailure> {
  const state = await findWebhookState(meshClient, "MutatingWebhookConfiguration", revision.id, signal);
  if (state === "absent") {
    return new ProofFailure(
      "WebhookAbsent",
      `Pods start without a sidecar: the injection webhook of revision ${revision.id} is not installed in the mesh cluster.`,
    );
  }
  if (state === "failsOpen") {
    return new ProofFailure(
      "WebhookFailsOpen",
      `Pods start without a sidecar: the injection webhook of revision ${revision.id} is open on failure (failurePolicy Ignore), and istiod behind ${revision.hostname} was not reached.`,
    );
  }
  return new ProofFailure(
    "NotInjected",
    `A pod labelled for revision ${revision.id} came back without a sidecar. An API server needs a moment to take up a new webhook; if this lasts, compare the webhook's selectors with the probe namespace's labels.`,
  );
}

function describeSilence(hostname: string): ProofFailure {
  return new ProofFailure(
    "MeshApiUnavailable",
    `The mesh cluster's API server did not answer a dry-run pod create in time: it, or its way to ${hostname}, hangs.`,
  );
}
