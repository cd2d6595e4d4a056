import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { FleetError } from "./errors.ts";
import { istioLines } from "./parts/outputs.ts";
import { readErrorCode } from "./parts/part-error.ts";

const name = z
  .string()
  .regex(/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/, "must be a DNS label of at most 40 characters that begins with a letter");

const MeshClusterSchema = z.strictObject({ name });

const SeedSchema = z.strictObject({
  name,
  zones: z.array(name).min(1),
  meshClusters: z.array(MeshClusterSchema).default([]),
});

const IstiodClusterSchema = z.strictObject({
  name,
  line: z.string().regex(/^\d+\.\d+$/, 'must be an Istio minor such as "1.32"'),
});

const RegionSchema = z.strictObject({
  name,
  zones: z.array(name).min(1),
  seeds: z.array(SeedSchema).default([]),
  istiodClusters: z.array(IstiodClusterSchema).default([]),
});

const TopologySchema = z.strictObject({ regions: z.array(RegionSchema).min(1) }).superRefine((topology, context) => {
  const seen = new Set<string>();
  const unique = (kind: string, found: string): void => {
    if (seen.has(found)) context.addIssue({ code: "custom", message: `${kind} ${found}: this name is used twice` });
    seen.add(found);
  };
  for (const region of topology.regions) {
    for (const cluster of region.istiodClusters) unique("istiod cluster", cluster.name);
    for (const seed of region.seeds) {
      unique("seed", seed.name);
      for (const zone of seed.zones) {
        if (!region.zones.includes(zone)) {
          context.addIssue({
            code: "custom",
            message: `seed ${seed.name}: zone ${zone} is not one of region ${region.name}`,
          });
        }
      }
      for (const cluster of seed.meshClusters) unique("mesh cluster", cluster.name);
    }
  }
});

/** What the fleet shall consist of. A seed is a place: a region and zones in which mesh clusters' API servers run. */
export type Topology = z.infer<typeof TopologySchema>;

/** The topology that `fleet up` takes when none is named. */
export const defaultTopologyFile = new URL("../topology.yaml", import.meta.url);

/**
 * Checks a topology given as YAML text.
 * @throws FleetError naming every fault with its place.
 */
export function parseTopology(text: string, source: string): Topology {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new FleetError(`${source} is not YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  const result = TopologySchema.safeParse(document);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `  ${issue.path.join(".") || "topology"}: ${issue.message}`);
  throw new FleetError(
    `${source} is not a topology:\n${faults.join("\n")}\nSee packages/fleet/topology.yaml for one that works.`,
  );
}

/**
 * Reads and checks a topology file, also for version lines that there is no istiod of: a fleet must be refused before anything of
 * it is made. What a fleet was made with earlier is not read by this.
 * @throws FleetError when it can't be read, or naming every fault.
 */
export async function readTopology(file: string | URL): Promise<Topology> {
  const source = typeof file === "string" ? file : "the default topology";
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    const code = readErrorCode(error);
    const why = code === "ENOENT" ? "is not there" : `can't be read (${String(code ?? error)})`;
    throw new FleetError(
      `The topology file ${source} ${why}. Name another after --topology, or leave it out for the default one.`,
      { cause: error },
    );
  });
  const topology = parseTopology(text, source);
  assertKnownLines(topology, source);
  return topology;
}

function assertKnownLines(topology: Topology, source: string): void {
  const known: readonly string[] = istioLines;
  const faults = topology.regions
    .flatMap((region) => region.istiodClusters)
    .filter(({ line }) => !known.includes(line))
    .map(({ name: cluster, line }) => `  istiod cluster ${cluster}: there is no istiod of line ${line}`);
  if (faults.length === 0) return;
  throw new FleetError(
    `${source} asks for what there is not:\n${faults.join("\n")}\nThe lines are ${istioLines.join(" and ")}.`,
  );
}
