import { z } from "zod";
import { generationSchema, objectReferenceSchema, timestampSchema } from "./common.ts";

export const operationKindSchema = z.enum([
  "cluster.connect",
  "cluster.disconnect",
  "control-plane.create",
  "control-plane.change",
  "control-plane.delete",
]);

export type OperationKind = z.infer<typeof operationKindSchema>;

const operationStateSchema = z.enum(["running", "succeeded", "failed", "superseded"]);

export type OperationState = z.infer<typeof operationStateSchema>;

/** One change in progress on one object, or that was. */
export const operationSchema = z
  .strictObject({
    id: z.uuid(),
    kind: operationKindSchema,
    object: objectReferenceSchema,
    state: operationStateSchema,
    generation: generationSchema.describe("Generation of the object that it brings about"),
    reason: z.string().nullable().describe("What happens now, or why it ended so: CamelCase, for programs"),
    message: z.string().nullable().describe("The same for people, with what was kept or left behind"),
    requestedBy: z.string().describe("`key:<id>` or `user:<id>`"),
    steps: z.array(z.strictObject({ name: z.string(), finishedAt: timestampSchema })).describe("Done so far, in order"),
    createdAt: timestampSchema,
    startedAt: timestampSchema.nullable(),
    finishedAt: timestampSchema.nullable(),
  })
  .meta({ id: "Operation" });

export type Operation = z.infer<typeof operationSchema>;

/** Answer to a change that takes time: the object as it is now, and the operation to watch. */
export function acceptedSchema<Resource extends z.ZodType>(
  resource: Resource,
): z.ZodObject<{ resource: Resource; operation: typeof operationSchema }, z.core.$strict> {
  return z.strictObject({ resource, operation: operationSchema });
}

export interface Accepted<Resource> {
  resource: Resource;
  operation: Operation;
}
