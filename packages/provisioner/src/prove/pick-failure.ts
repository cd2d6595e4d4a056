import type { Proof } from "./types.ts";

/**
 * The failed proof that says most about the cause, undefined when none failed. The validator fails open and can't say what stood in its
 * way; the injector, asked over the same path, can.
 */
export function pickFailure(proofs: readonly Proof[]): Proof | undefined {
  const failed = proofs.filter((proof) => !proof.ok);
  return failed.find((proof) => proof.reason !== "WebhookFailsOpen") ?? failed[0];
}
