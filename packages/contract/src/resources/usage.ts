import { z } from "zod";
import { capacitySchema, nameSchema, timestampSchema } from "./common.ts";

const numberText = (least: number, most: number) =>
  z
    .string()
    .regex(/^[0-9]{1,4}$/, { error: `must be a number from ${least} to ${most}` })
    .transform(Number)
    .pipe(z.int().min(least).max(most));

/** How long samples are kept, in hours. */
export const usageRetentionHours = 720;

export const usageQuerySchema = z.strictObject({
  istiodCluster: nameSchema.optional().describe("This one alone"),
  hours: numberText(1, usageRetentionHours).default(24).describe("How far back"),
  points: numberText(2, 500).default(200).describe("Most points of each istiod cluster"),
});

export type UsageQuery = z.output<typeof usageQuerySchema>;

/** What was measured of the istiods in a cluster. Amounts are null where nothing could be measured. */
const usedSchema = z.strictObject({
  slots: z.int().min(0).describe("Revisions whose istiod was available"),
  cpuMilli: z.int().min(0).nullable().describe("Thousandths of a core that istiods used, by their own count"),
  memoryMib: z.int().min(0).nullable().describe("MiB that istiods' processes held, by their own count"),
  proxies: z.int().min(0).nullable().describe("Connected to them"),
});

export const usagePointSchema = z
  .strictObject({
    at: timestampSchema.describe("Begin of the time that the point stands for"),
    capacity: capacitySchema,
    reserved: capacitySchema.describe("The most in this time"),
    used: usedSchema.describe("The most in this time"),
  })
  .meta({ id: "UsagePoint" });

export type UsagePoint = z.infer<typeof usagePointSchema>;

/** Capacity of istiod clusters over time. */
export const usageSchema = z
  .strictObject({
    from: timestampSchema,
    to: timestampSchema,
    stepSeconds: z.int().min(1).describe("Time that a point stands for. A time without samples has no point"),
    series: z
      .array(
        z.strictObject({
          istiodCluster: z.string(),
          region: z.string(),
          line: z.string(),
          points: z.array(usagePointSchema).max(500).describe("Oldest first"),
        }),
      )
      .describe("By name"),
  })
  .meta({ id: "Usage" });

export type Usage = z.infer<typeof usageSchema>;
