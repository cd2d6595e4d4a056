import { z } from "zod";
import { generationSchema, lineNameSchema, textSchema, timestampSchema, versionNameSchema } from "./common.ts";

/** `withdrawn` versions can't be ordered; what runs goes on. */
const versionStateSchema = z.enum(["available", "withdrawn"]);

export type VersionState = z.infer<typeof versionStateSchema>;

const referenceSchema = textSchema(500);

/** References that pass through to Helm: a folder, `repo/chart`, or `oci://`. */
export const chartsSchema = z.strictObject({
  base: referenceSchema,
  istiod: referenceSchema,
  chartVersion: textSchema(60).optional(),
});

export const imageSchema = z.strictObject({
  hub: referenceSchema,
  tag: textSchema(128),
  pullPolicy: z.enum(["Always", "IfNotPresent", "Never"]),
});

/** One Istio version of the catalogue. */
export const versionSchema = z
  .strictObject({
    name: versionNameSchema,
    line: z.string(),
    state: versionStateSchema,
    charts: chartsSchema,
    image: imageSchema,
    revisions: z.int().min(0).describe("How many there are of it"),
    generation: generationSchema,
    createdAt: timestampSchema,
  })
  .meta({ id: "Version" });

export type Version = z.infer<typeof versionSchema>;

export const createVersionBodySchema = z
  .strictObject({
    name: versionNameSchema.describe("As istiod reports it; begins with its line"),
    line: lineNameSchema,
    state: versionStateSchema.default("available"),
    charts: chartsSchema,
    image: imageSchema,
  })
  .meta({ id: "CreateVersion" });

export type CreateVersionBody = z.output<typeof createVersionBodySchema>;

export const changeVersionBodySchema = z
  .strictObject({ state: versionStateSchema.optional() })
  .meta({ id: "ChangeVersion" });

export type ChangeVersionBody = z.output<typeof changeVersionBodySchema>;
