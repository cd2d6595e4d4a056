import { z } from "zod";
import { askWebhook, type WebhookTarget } from "./admission-review.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { createInvalidVirtualService, createValidVirtualService, isVerdictOfIstiod } from "./prove-admission.ts";
import { ProofFailure } from "./reasons.ts";
import type { ProofOutcome } from "./run-proof.ts";
import { checkSidecar, createProbePod, type SidecarExpectation } from "./sidecar.ts";

const patchShape = z.array(z.object({ op: z.string(), path: z.string(), value: z.unknown().optional() }));

/**
 * Proves that istiod's validator, asked as an API server will ask it, refuses an invalid object with its own words and has
 * nothing against a valid one. Fails with a ProofFailure.
 */
export async function proveValidationAnswer(
  target: WebhookTarget,
  revisionId: string,
  signal: AbortSignal,
): Promise<ProofOutcome> {
  const [invalid, valid] = await Promise.all([
    askWebhook(target, createInvalidVirtualService(revisionId), signal),
    askWebhook(target, createValidVirtualService(revisionId), signal),
  ]);
  if (invalid.allowed || !isVerdictOfIstiod(invalid.words)) {
    throw new ProofFailure(
      "OtherWords",
      invalid.allowed
        ? "istiod's validator has nothing against an invalid VirtualService."
        : "istiod's validator refuses the invalid VirtualService, but not for its wrong weight.",
      { said: invalid.words },
    );
  }
  if (!valid.allowed) {
    throw new ProofFailure(
      "OtherWords",
      `istiod's validator refuses a valid VirtualService, so installing it would stop the tenant's changes: ${valid.words}`,
      { said: valid.words },
    );
  }
  return { message: "istiod's validator tells a valid object from an invalid one.", details: { said: invalid.words } };
}

/**
 * Proves that istiod's injector, asked as an API server will ask it, gives a pod the sidecar that turns to the revision's
 * public name. Fails with a ProofFailure.
 */
export async function proveInjectionAnswer(
  target: WebhookTarget,
  expected: SidecarExpectation,
  signal: AbortSignal,
): Promise<ProofOutcome> {
  const pod = createProbePod(expected.revisionId);
  const verdict = await askWebhook(target, pod, signal);
  if (!verdict.allowed) {
    throw new ProofFailure(
      "OtherWords",
      `istiod refuses to inject its sidecar, so installing the webhook would stop the tenant's pods: ${verdict.words}. Check the injector's template and values.`,
      { said: verdict.words },
    );
  }
  const details = checkSidecar(verdict.patch === undefined ? pod : patchPod(pod, verdict.patch), expected);
  if (details === undefined) {
    throw new ProofFailure(
      "NotInjected",
      "istiod's injector lets the probe pod pass without a sidecar: its policy or its configuration does not select it.",
    );
  }
  return { message: "istiod's injector gives a pod this revision's sidecar, told of its public name.", details };
}

function patchPod(pod: unknown, patch: string): unknown {
  try {
    return applyJsonPatch(pod, patchShape.parse(JSON.parse(Buffer.from(patch, "base64").toString("utf8"))));
  } catch (error) {
    throw new ProofFailure("BadAnswer", "istiod's injector answered with a patch that can't be applied.", {}, error);
  }
}
