import { z } from "zod";
import { conditionSchema, generationSchema, lifetimeSchema, timestampSchema } from "./common.ts";
import { controlPlanePhaseSchema } from "./control-plane.ts";
import { placementSchema } from "./placement.ts";

/** What was seen of one way to istiod through the public edge at one try. */
export const proofSightingSchema = z.strictObject({
  name: z.enum(["admission", "injection", "certificate", "discovery"]),
  verdict: z.enum(["proven", "refuted", "unknown"]).describe("`unknown`: it could not be seen"),
  latencyMs: z.number().min(0).describe("From its first call to its last answer"),
  reason: z.string().nullable().describe("CamelCase, for programs; null when it is proven"),
  message: z.string(),
  at: timestampSchema,
});

export type ProofSighting = z.infer<typeof proofSightingSchema>;

/** The last try of one way, and the last one that was a success. */
export const proofSchema = proofSightingSchema
  .extend({ lastProvenAt: timestampSchema.nullable().describe("When it was proven last; null when it never was") })
  .meta({ id: "Proof" });

export type Proof = z.infer<typeof proofSchema>;

/** One istiod of one version. Its id is at once `istio.io/rev`, its namespace and the first label of its hostname. */
export const revisionSchema = z
  .strictObject({
    id: z.string(),
    controlPlane: z.string(),
    version: z.string(),
    line: z.string(),
    istiodCluster: z.string(),
    namespace: z.string(),
    hostname: z.string(),
    replicas: z.int(),
    placement: placementSchema,
    generation: generationSchema,
    observedGeneration: generationSchema,
    credential: lifetimeSchema.nullable().describe("Life of istiod's token for the mesh cluster"),
    conditions: z.array(conditionSchema),
    proofs: z.array(proofSchema).describe("The newest of each kind; none before istiod is up"),
    proxies: z
      .strictObject({ connected: z.int().min(0), at: timestampSchema })
      .nullable()
      .describe(
        "Proxies with a stream, by istiod's own count, and since when it is so many; null when nobody could be asked",
      ),
    phase: controlPlanePhaseSchema,
    readyAt: timestampSchema.nullable().describe("When it was Ready for the first time"),
    deletionRequestedAt: timestampSchema.nullable(),
    createdAt: timestampSchema,
  })
  .meta({ id: "Revision" });

export type Revision = z.infer<typeof revisionSchema>;
