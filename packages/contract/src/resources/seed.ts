import { z } from "zod";
import { generationSchema, nameSchema, textSchema, timestampSchema } from "./common.ts";

/** Zones of a region, by the provider's names. */
export const zonesSchema = z.array(nameSchema).max(10);

/** The cluster, or site, where API servers of mesh clusters run. */
export const seedSchema = z
  .strictObject({
    name: nameSchema,
    region: z.string(),
    zones: z.array(z.string()),
    provider: z.string(),
    generation: generationSchema,
    createdAt: timestampSchema,
  })
  .meta({ id: "Seed" });

export type Seed = z.infer<typeof seedSchema>;

export const createSeedBodySchema = z
  .strictObject({
    name: nameSchema,
    region: nameSchema,
    zones: zonesSchema.default([]),
    provider: textSchema(60).describe("Of its infrastructure, as `aws`"),
  })
  .meta({ id: "CreateSeed" });

export type CreateSeedBody = z.output<typeof createSeedBodySchema>;

export const changeSeedBodySchema = z
  .strictObject({ zones: zonesSchema.optional(), provider: textSchema(60).optional() })
  .meta({ id: "ChangeSeed" });

export type ChangeSeedBody = z.output<typeof changeSeedBodySchema>;
