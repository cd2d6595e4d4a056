import { z } from "zod";
import { generationSchema, nameSchema, textSchema, timestampSchema } from "./common.ts";

const latitudeSchema = z.number().min(-90).max(90).describe("Degrees north");
const longitudeSchema = z.number().min(-180).max(180).describe("Degrees east");

/** A place with seeds and istiod clusters. */
export const regionSchema = z
  .strictObject({
    name: nameSchema,
    displayName: z.string(),
    latitude: latitudeSchema.nullable(),
    longitude: longitudeSchema.nullable(),
    generation: generationSchema,
    createdAt: timestampSchema,
  })
  .meta({ id: "Region" });

export type Region = z.infer<typeof regionSchema>;

export const createRegionBodySchema = z
  .strictObject({
    name: nameSchema,
    displayName: textSchema(100),
    latitude: latitudeSchema.optional(),
    longitude: longitudeSchema.optional(),
  })
  .meta({ id: "CreateRegion" });

export type CreateRegionBody = z.output<typeof createRegionBodySchema>;

export const changeRegionBodySchema = z
  .strictObject({
    displayName: textSchema(100).optional(),
    latitude: latitudeSchema.nullable().optional(),
    longitude: longitudeSchema.nullable().optional(),
  })
  .meta({ id: "ChangeRegion" });

export type ChangeRegionBody = z.output<typeof changeRegionBodySchema>;
