import { z } from "zod";

const chartsSchema = z.object({ base: z.string(), istiod: z.string(), chartVersion: z.string().optional() });
const imageSchema = z.object({
  hub: z.string(),
  tag: z.string(),
  pullPolicy: z.enum(["Always", "IfNotPresent", "Never"]),
});

/** An Istio version of the catalogue, as the provisioner takes it. */
export interface StoredVersion {
  version: string;
  line: string;
  charts: { base: string; istiod: string; chartVersion?: string };
  image: z.infer<typeof imageSchema>;
}

/** Reads a row of the catalogue. Throws when its charts or image are not of the form that the catalogue takes. */
export function readVersion(row: { name: string; lineName: string; charts: unknown; image: unknown }): StoredVersion {
  const { base, istiod, chartVersion } = chartsSchema.parse(row.charts);
  return {
    version: row.name,
    line: row.lineName,
    charts: { base, istiod, ...(chartVersion === undefined ? {} : { chartVersion }) },
    image: imageSchema.parse(row.image),
  };
}
