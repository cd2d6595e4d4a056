import { z } from "zod";
import { conditionSchema, generationSchema, lifetimeSchema, timestampSchema } from "./common.ts";
import { controlPlanePhaseSchema } from "./control-plane.ts";
import { placementSchema } from "./placement.ts";

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
    phase: controlPlanePhaseSchema,
    readyAt: timestampSchema.nullable().describe("When it was Ready for the first time"),
    deletionRequestedAt: timestampSchema.nullable(),
    createdAt: timestampSchema,
  })
  .meta({ id: "Revision" });

export type Revision = z.infer<typeof revisionSchema>;
