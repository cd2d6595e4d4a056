import { type ProofSighting, proofSightingSchema } from "@pilothouse/contract";
import type { Proof } from "@pilothouse/provisioner";

const shownNames = new Set<string>(proofSightingSchema.shape.name.options);

/** Proofs as they are shown: those that a revision's readers know, as of now. */
export function describeProofs(proofs: readonly Proof[]): ProofSighting[] {
  const at = new Date().toISOString();
  return proofs
    .filter(({ name }) => shownNames.has(name))
    .map(({ name, verdict, latencyMs, reason, message }) =>
      proofSightingSchema.parse({
        name,
        verdict,
        latencyMs: Math.round(latencyMs),
        reason: reason ?? null,
        message,
        at,
      }),
    );
}
