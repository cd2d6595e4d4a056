import { z } from "zod";
import {
  capacitySchema,
  generationSchema,
  kubeconfigSchema,
  lineNameSchema,
  nameSchema,
  timestampSchema,
} from "./common.ts";
import { zonesSchema } from "./seed.ts";

const edgeAddressesSchema = z
  .array(z.union([z.ipv4(), z.ipv6()], { error: "must be an IP address" }))
  .min(1)
  .max(16)
  .describe("Public addresses of its edge");

/** A Kubernetes cluster of the provider that hosts revisions of one version line. */
export const istiodClusterSchema = z
  .strictObject({
    name: nameSchema,
    region: z.string(),
    zones: z.array(z.string()),
    line: z.string(),
    edgeAddresses: z.array(z.string()),
    schedulable: z.boolean().describe("Whether new revisions may come here"),
    capacity: capacitySchema,
    reserved: capacitySchema.describe("By the revisions that are here"),
    healthy: z.boolean().nullable().describe("Whether its API server answers the workers; null until one has looked"),
    healthMessage: z.string().nullable(),
    healthSince: timestampSchema.nullable(),
    generation: generationSchema,
    createdAt: timestampSchema,
  })
  .meta({ id: "IstiodCluster" });

export type IstiodCluster = z.infer<typeof istiodClusterSchema>;

export const createIstiodClusterBodySchema = z
  .strictObject({
    name: nameSchema,
    region: nameSchema,
    zones: zonesSchema.default([]),
    line: lineNameSchema,
    edgeAddresses: edgeAddressesSchema,
    schedulable: z.boolean().default(true),
    capacity: capacitySchema,
    kubeconfig: kubeconfigSchema,
  })
  .meta({ id: "CreateIstiodCluster" });

export type CreateIstiodClusterBody = z.output<typeof createIstiodClusterBodySchema>;

export const changeIstiodClusterBodySchema = z
  .strictObject({
    zones: zonesSchema.optional(),
    edgeAddresses: edgeAddressesSchema.optional(),
    schedulable: z.boolean().optional(),
    capacity: capacitySchema.optional(),
    kubeconfig: kubeconfigSchema.optional(),
  })
  .meta({ id: "ChangeIstiodCluster" });

export type ChangeIstiodClusterBody = z.output<typeof changeIstiodClusterBodySchema>;
