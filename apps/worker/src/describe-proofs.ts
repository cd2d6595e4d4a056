import { type Proof as ShownProof, proofSchema } from "@pilothouse/contract";
import type { Proof } from "@pilothouse/provisioner";

const shownNames = new Set<string>(proofSchema.shape.name.options);

/** Proofs as they are shown: those that a revision's readers know, as of now. */
export function describeProofs(proofs: readonly Proof[]): ShownProof[] {
  const at = new Date().toISOString();
  return proofs
    .filter(({ name }) => shownNames.has(name))
    .map(({ name, verdict, latencyMs, reason, message }) =>
      proofSchema.parse({ name, verdict, latencyMs: Math.round(latencyMs), reason: reason ?? null, message, at }),
    );
}
