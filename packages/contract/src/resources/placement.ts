import { z } from "zod";
import { lineNameSchema, nameSchema, replicasSchema, versionNameSchema } from "./common.ts";

/** Why an istiod cluster was chosen, and why each other one was not, as it was at that moment. */
export const placementSchema = z
  .strictObject({
    istiodCluster: z.string().nullable().describe("The choice; null when none can take it"),
    candidates: z
      .array(
        z.strictObject({
          istiodCluster: z.string(),
          region: z.string(),
          score: z.number().describe("Higher is better"),
          scores: z.record(z.string(), z.number()).describe("What the score is made of"),
        }),
      )
      .describe("Those that could take it, best first"),
    rejected: z
      .array(z.strictObject({ istiodCluster: z.string(), reason: z.string(), message: z.string() }))
      .describe("Those that could not, each with its reason"),
  })
  .meta({ id: "Placement" });

export type Placement = z.infer<typeof placementSchema>;

/** A version, or a line of which the newest available version is taken: exactly one of the two. */
export function requireVersionOrLine(value: { version?: string | undefined; line?: string | undefined }): boolean {
  return (value.version === undefined) !== (value.line === undefined);
}

export const versionOrLineError = { error: "must be given, or a line instead of it, but not both", path: ["version"] };

/** The same rule in the words of JSON Schema. */
export const versionOrLineMeta = { oneOf: [{ required: ["version"] }, { required: ["line"] }] };

export const previewPlacementBodySchema = z
  .strictObject({
    cluster: nameSchema,
    version: versionNameSchema.optional(),
    line: lineNameSchema.optional(),
    replicas: replicasSchema.default(1),
  })
  .refine(requireVersionOrLine, versionOrLineError)
  .meta({ id: "PreviewPlacement", ...versionOrLineMeta, examples: [{ cluster: "main", line: "1.32" }] });

export type PreviewPlacementBody = z.output<typeof previewPlacementBodySchema>;

/** What would be decided now. Nothing is reserved by asking. */
export const placementPreviewSchema = z
  .strictObject({
    cluster: z.string(),
    version: z.string(),
    line: z.string(),
    replicas: z.int(),
    cpuMilli: z.int().describe("Of all replicas together, in thousandths of a core"),
    memoryMib: z.int().describe("Of all replicas together, in MiB"),
    placement: placementSchema,
  })
  .meta({ id: "PlacementPreview" });

export type PlacementPreview = z.infer<typeof placementPreviewSchema>;
