import { z } from "zod";
import {
  conditionSchema,
  generationSchema,
  lineNameSchema,
  nameSchema,
  replicasSchema,
  timestampSchema,
  versionNameSchema,
} from "./common.ts";
import { requireVersionOrLine, versionOrLineError, versionOrLineMeta } from "./placement.ts";

/** Derived from the conditions and the live operation. `Ready` means proven through the public path; `Unknown`: it can't be seen. */
export const controlPlanePhaseSchema = z.enum(["Provisioning", "Ready", "Degraded", "Unknown", "Deleting"]);

export type ControlPlanePhase = z.infer<typeof controlPlanePhaseSchema>;

/** What a tenant orders for a mesh cluster. Its conditions are those of its newest revision. */
export const controlPlaneSchema = z
  .strictObject({
    id: z.uuid(),
    name: nameSchema,
    cluster: z.string().describe("Name of the mesh cluster"),
    version: z.string(),
    line: z.string(),
    replicas: z.int(),
    generation: generationSchema,
    observedGeneration: generationSchema,
    revisions: z.array(z.string()).describe("Ids, newest first: one, or two while it is changed"),
    conditions: z.array(conditionSchema),
    phase: controlPlanePhaseSchema,
    operation: z.uuid().nullable().describe("The one in progress"),
    deletionRequestedAt: timestampSchema.nullable(),
    createdAt: timestampSchema,
  })
  .meta({ id: "ControlPlane" });

export type ControlPlane = z.infer<typeof controlPlaneSchema>;

export const createControlPlaneBodySchema = z
  .strictObject({
    name: nameSchema,
    cluster: nameSchema.describe("Name of a connected mesh cluster"),
    version: versionNameSchema.optional(),
    line: lineNameSchema.optional().describe("Takes the line's newest available version"),
    replicas: replicasSchema.default(1),
  })
  .refine(requireVersionOrLine, versionOrLineError)
  .meta({
    id: "CreateControlPlane",
    ...versionOrLineMeta,
    examples: [{ name: "payments", cluster: "main", line: "1.32", replicas: 2 }],
  });

export type CreateControlPlaneBody = z.output<typeof createControlPlaneBodySchema>;

export const changeControlPlaneBodySchema = z
  .strictObject({
    replicas: replicasSchema.optional(),
    version: versionNameSchema
      .optional()
      .describe("Another version than the present one is refused: it needs a revision of its own"),
  })
  .meta({ id: "ChangeControlPlane", examples: [{ replicas: 3 }] });

export type ChangeControlPlaneBody = z.output<typeof changeControlPlaneBodySchema>;
