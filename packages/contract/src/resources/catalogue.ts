import { z } from "zod";
import { versionLineSchema } from "./version-line.ts";

/** What can be ordered, and where clusters may be. */
export const catalogueSchema = z
  .strictObject({
    lines: z
      .array(
        versionLineSchema
          .pick({ name: true, state: true, endOfSupport: true })
          .extend({ versions: z.array(z.string()).describe("Available ones, newest first") }),
      )
      .describe("Those that are not retired, newest first"),
    regions: z.array(z.strictObject({ name: z.string(), displayName: z.string() })),
    seeds: z.array(z.strictObject({ name: z.string(), region: z.string() })),
  })
  .meta({ id: "Catalogue" });

export type Catalogue = z.infer<typeof catalogueSchema>;
