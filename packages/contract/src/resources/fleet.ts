import { z } from "zod";
import { conditionSchema, objectReferenceSchema, timestampSchema } from "./common.ts";
import { controlPlanePhaseSchema } from "./control-plane.ts";
import { eventIdSchema } from "./event.ts";
import { placementSchema } from "./placement.ts";

const fleetRevisionShape = {
  id: z.string(),
  version: z.string(),
  line: z.string(),
  istiodCluster: z.string(),
  region: z.string().describe("Of the istiod cluster"),
  replicas: z.int(),
  cpuMilli: z.int().describe("Reserved for all replicas together, in thousandths of a core"),
  memoryMib: z.int().describe("Reserved for all replicas together, in MiB"),
  proxies: z.int().min(0).nullable().describe("Connected, by istiod's own count; null when nobody could be asked"),
  readyAt: timestampSchema.nullable(),
  createdAt: timestampSchema,
};

const fleetControlPlaneShape = {
  id: z.uuid(),
  tenant: z.string(),
  name: z.string(),
  cluster: z.string().describe("Name of the mesh cluster"),
  seed: z.string().nullable().describe("Where the mesh cluster's API server runs"),
  seedRegion: z.string().nullable(),
  version: z.string(),
  line: z.string(),
  replicas: z.int(),
  phase: controlPlanePhaseSchema,
  ready: conditionSchema.nullable().describe("Of the newest revision; null until it was seen"),
  operation: z
    .strictObject({ id: z.uuid(), kind: z.string(), reason: z.string().nullable(), createdAt: timestampSchema })
    .nullable()
    .describe("The one in progress"),
  deletionRequestedAt: timestampSchema.nullable(),
  createdAt: timestampSchema,
};

/** A tenant's control plane as the provider sees it: where it runs and how it does, and nothing of what the tenant does with it. */
export const fleetControlPlaneSchema = z
  .strictObject({
    ...fleetControlPlaneShape,
    revisions: z.array(z.strictObject(fleetRevisionShape)).describe("Newest first"),
  })
  .meta({ id: "FleetControlPlane" });

export type FleetControlPlane = z.infer<typeof fleetControlPlaneSchema>;

/** The same with the reasons for each revision's place, and all that was seen of it. */
export const placedControlPlaneSchema = z
  .strictObject({
    ...fleetControlPlaneShape,
    revisions: z
      .array(
        z.strictObject({
          ...fleetRevisionShape,
          placement: placementSchema.describe("As it was decided, with what each candidate had then"),
          conditions: z.array(conditionSchema),
        }),
      )
      .describe("Newest first"),
  })
  .meta({ id: "PlacedControlPlane" });

export type PlacedControlPlane = z.infer<typeof placedControlPlaneSchema>;

/** That something happened to an object of a tenant; not what. */
export const fleetEventSchema = z
  .strictObject({
    id: eventIdSchema,
    type: z.string().describe("`<kind of object>.<what>`, as `control-plane.created`"),
    tenant: z.string(),
    object: objectReferenceSchema,
    at: timestampSchema,
  })
  .meta({ id: "FleetEvent" });

export type FleetEvent = z.infer<typeof fleetEventSchema>;
