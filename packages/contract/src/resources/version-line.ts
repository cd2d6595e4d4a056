import { z } from "zod";
import { daySchema, generationSchema, lineNameSchema, timestampSchema } from "./common.ts";

/** `supported` and `deprecated` lines can be ordered, `retired` ones can't. */
const lineStateSchema = z.enum(["supported", "deprecated", "retired"]);

export type LineState = z.infer<typeof lineStateSchema>;

/** An Istio minor: the unit of isolation. */
export const versionLineSchema = z
  .strictObject({
    name: lineNameSchema,
    state: lineStateSchema,
    endOfSupport: daySchema.nullable(),
    revisions: z.int().min(0).describe("How many there are of its versions"),
    generation: generationSchema,
    createdAt: timestampSchema,
  })
  .meta({ id: "VersionLine" });

export type VersionLine = z.infer<typeof versionLineSchema>;

export const createVersionLineBodySchema = z
  .strictObject({
    name: lineNameSchema,
    state: lineStateSchema.default("supported"),
    endOfSupport: daySchema.optional(),
  })
  .meta({ id: "CreateVersionLine" });

export type CreateVersionLineBody = z.output<typeof createVersionLineBodySchema>;

export const changeVersionLineBodySchema = z
  .strictObject({ state: lineStateSchema.optional(), endOfSupport: daySchema.nullable().optional() })
  .meta({ id: "ChangeVersionLine" });

export type ChangeVersionLineBody = z.output<typeof changeVersionLineBodySchema>;
