import { type Condition, placementSchema, type Proof, proofSightingSchema, type Revision } from "@pilothouse/contract";
import { z } from "zod";
import { deriveControlPlanePhase } from "../control-planes/derive-phase.ts";
import type { Revision as RevisionRow } from "../generated/client.ts";

const observedSchema = z.object({
  proofs: z.array(proofSightingSchema).catch([]).default([]),
  provenAt: z.record(z.string(), z.string()).catch({}).default({}),
  proxies: z.object({ connected: z.int(), at: z.string() }).optional(),
});

function readObserved(observed: unknown): { proofs: Proof[]; proxies: Revision["proxies"] } {
  const { proofs, provenAt, proxies } = observedSchema.parse(observed ?? {});
  return {
    proofs: proofs.map((proof) => ({ ...proof, lastProvenAt: provenAt[proof.name] ?? null })),
    proxies: proxies ?? null,
  };
}

/** A revision as the contract has it. @param facts what is known of it in other tables */
export function toRevision(
  row: RevisionRow,
  facts: { controlPlane: string; conditions: Condition[]; isChanging: boolean },
): Revision {
  return {
    id: row.id,
    controlPlane: facts.controlPlane,
    version: row.versionName,
    line: row.lineName,
    istiodCluster: row.istiodClusterName,
    namespace: row.namespace,
    hostname: row.hostname,
    replicas: row.replicas,
    placement: placementSchema.parse(row.placement),
    generation: row.generation,
    observedGeneration: row.observedGeneration,
    credential:
      row.credentialIssuedAt === null || row.credentialExpiresAt === null
        ? null
        : { issuedAt: row.credentialIssuedAt.toISOString(), expiresAt: row.credentialExpiresAt.toISOString() },
    conditions: facts.conditions,
    ...readObserved(row.observed),
    phase: deriveControlPlanePhase({
      deletionRequested: row.deletionRequestedAt !== null,
      isChanging: facts.isChanging || row.observedGeneration < row.generation,
      ready: facts.conditions.find(({ type }) => type === "Ready")?.status,
    }),
    readyAt: row.readyAt?.toISOString() ?? null,
    deletionRequestedAt: row.deletionRequestedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
  };
}
