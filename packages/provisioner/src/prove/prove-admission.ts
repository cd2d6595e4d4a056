import { ProvisionerError } from "../errors.ts";
import type { KubeClient, KubeObject } from "../kube/types.ts";
import { describeOtherWebhook, readRefusal, type DryRun } from "./admission-errors.ts";
import { ProofFailure } from "./reasons.ts";
import type { ProofOutcome } from "./run-proof.ts";
import { waitUnlessAborted } from "./time-limit.ts";
import { probeNamespace, type ProofRevision } from "./types.ts";
import { findWebhookState } from "./webhook-state.ts";

/** Both lines' charts name the validating webhook of a revision so. */
const validatorName = /(^|\.)validation\.istio\.io$/;
const wrongWeight = -20;

/**
 * A VirtualService that the schemas of all lines allow (a weight is any int32 there) and that istiod's validator refuses, as
 * `pkg/config/validation` does in every line. `v1beta1` is served by every line.
 */
export function createInvalidVirtualService(revisionId: string): KubeObject {
  return createVirtualService(revisionId, wrongWeight);
}

/** The same with nothing wrong. */
export function createValidVirtualService(revisionId: string): KubeObject {
  return createVirtualService(revisionId, 1);
}

function createVirtualService(revisionId: string, weight: number): KubeObject {
  const host = "pilothouse-probe.invalid";
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "VirtualService",
    metadata: {
      name: `pilothouse-probe-${revisionId}`,
      namespace: probeNamespace,
      labels: { "istio.io/rev": revisionId },
    },
    spec: { hosts: [host], http: [{ route: [{ destination: { host }, weight }] }] },
  };
}

/** Whether these are istiod's words about the wrong weight: those of its validator, not of a schema. */
export function isVerdictOfIstiod(words: string): boolean {
  return words.includes(`weight ${wrongWeight} < 0`);
}

/**
 * Proves that the mesh cluster's API server refuses an invalid Istio object with istiod's own words: a dry-run create through
 * the validating webhook of the revision. Nothing is stored. Fails with a ProofFailure that says who or what answered instead.
 */
export async function proveAdmission(
  meshClient: KubeClient,
  revision: ProofRevision,
  signal: AbortSignal,
): Promise<ProofOutcome> {
  const dryRun = { what: "an invalid VirtualService", hostname: revision.hostname };
  const attempt = tryCreate(meshClient, createInvalidVirtualService(revision.id));
  const error = await waitUnlessAborted(attempt, signal, () => describeSilence(revision.hostname));
  if (error === undefined) throw await describeAcceptance(meshClient, revision, signal);
  const refusal = readRefusal(error, dryRun);
  if (refusal.by !== "webhook") throw refusal.failure;
  return checkWords(refusal.webhook, refusal.words, dryRun);
}

function checkWords(webhook: string, words: string, dryRun: DryRun): ProofOutcome {
  if (!validatorName.test(webhook)) throw describeOtherWebhook(webhook, words, dryRun);
  if (!isVerdictOfIstiod(words)) {
    throw new ProofFailure(
      "OtherWords",
      "The validating webhook refused the invalid VirtualService, but not for its wrong weight: it could not read it, or is of an istiod that Pilothouse does not know.",
      { webhook, said: words },
    );
  }
  return {
    message: "The mesh cluster's API server refuses an invalid Istio object with istiod's own words.",
    details: { webhook, said: words },
  };
}

/** The error of a dry-run create; undefined when it was accepted. */
async function tryCreate(meshClient: KubeClient, object: KubeObject): Promise<unknown> {
  try {
    await meshClient.create(object, { dryRun: true });
    return undefined;
  } catch (error) {
    // Reached storage: all of admission, istiod included, had no objection.
    return error instanceof ProvisionerError && error.code === "AlreadyExists" ? undefined : error;
  }
}

async function describeAcceptance(
  meshClient: KubeClient,
  revision: ProofRevision,
  signal: AbortSignal,
): Promise<ProofFailure> {
  const state = await findWebhookState(meshClient, "ValidatingWebhookConfiguration", revision.id, signal);
  const accepted = "The mesh cluster's API server accepts an invalid Istio object:";
  switch (state) {
    case "absent":
      return new ProofFailure(
        "WebhookAbsent",
        `${accepted} the validating webhook of revision ${revision.id} is not installed.`,
      );
    case "failsOpen":
      return new ProofFailure(
        "WebhookFailsOpen",
        `${accepted} the validating webhook of revision ${revision.id} is still open on failure (failurePolicy Ignore), and istiod behind ${revision.hostname} was not reached or has not closed it yet.`,
      );
    case "active":
    case "unknown":
      return new ProofFailure(
        "NotRefused",
        `${accepted} the validating webhook of revision ${revision.id} did not take part. An API server needs a moment to take up a new webhook; if this lasts, compare the webhook's selectors and URL.`,
      );
  }
}

function describeSilence(hostname: string): ProofFailure {
  return new ProofFailure(
    "MeshApiUnavailable",
    `The mesh cluster's API server did not answer a dry-run create in time: it, or its way to ${hostname}, hangs.`,
  );
}
