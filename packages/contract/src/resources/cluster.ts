import { z } from "zod";
import {
  conditionSchema,
  generationSchema,
  kubeconfigSchema,
  lifetimeSchema,
  nameSchema,
  timestampSchema,
} from "./common.ts";

const clusterKindSchema = z
  .enum(["gardener", "managed", "standalone"])
  .describe("`gardener`: its API server runs in a seed; `managed`: EKS, AKS, GKE; `standalone`: any other");

export type ClusterKind = z.infer<typeof clusterKindSchema>;

/** Derived from the conditions and the live operation. `Unknown`: it can't be seen at the moment. */
export const clusterPhaseSchema = z.enum([
  "Connecting",
  "Connected",
  "ConnectFailed",
  "Degraded",
  "Unknown",
  "Disconnecting",
]);

export type ClusterPhase = z.infer<typeof clusterPhaseSchema>;

/** A tenant's Kubernetes cluster whose workloads join a mesh. */
export const clusterSchema = z
  .strictObject({
    id: z.uuid(),
    name: nameSchema,
    kind: clusterKindSchema,
    seed: z.string().nullable(),
    generation: generationSchema,
    observedGeneration: generationSchema,
    server: z.string().nullable().describe("Address of its API server, once connected"),
    kubernetesVersion: z.string().nullable(),
    clusterUid: z.string().nullable().describe("UID of the namespace kube-system"),
    token: lifetimeSchema.nullable().describe("Life of Pilothouse's own token there"),
    conditions: z.array(conditionSchema),
    phase: clusterPhaseSchema,
    operation: z.uuid().nullable().describe("The one in progress"),
    deletionRequestedAt: timestampSchema.nullable(),
    createdAt: timestampSchema,
  })
  .meta({ id: "Cluster" });

export type Cluster = z.infer<typeof clusterSchema>;

export const connectClusterBodySchema = z
  .strictObject({
    name: nameSchema,
    kind: clusterKindSchema,
    seed: nameSchema.optional().describe("Where its API server runs, so that istiod comes near it"),
    kubeconfig: kubeconfigSchema,
  })
  .meta({ id: "ConnectCluster" });

export type ConnectClusterBody = z.infer<typeof connectClusterBodySchema>;

export const retryConnectionBodySchema = z
  .strictObject({ kubeconfig: kubeconfigSchema })
  .meta({ id: "RetryConnection" });

export type RetryConnectionBody = z.infer<typeof retryConnectionBodySchema>;
