import { z } from "zod";
import { objectReferenceSchema, timestampSchema } from "./common.ts";

/** Position of an event in the order in which events became visible: `<transaction>-<number>`. */
export const eventIdSchema = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,18})-(0|[1-9][0-9]{0,18})$/, { error: "must be the id of an event, such as `812-4711`" });

/** What happened to one of the tenant's objects. */
export const tenantEventSchema = z
  .strictObject({
    id: eventIdSchema,
    type: z.string().describe("`<kind of object>.<what>`, as `control-plane.created`"),
    object: objectReferenceSchema,
    reason: z.string().nullable(),
    message: z.string().nullable(),
    at: timestampSchema,
  })
  .meta({ id: "Event" });

export type TenantEvent = z.infer<typeof tenantEventSchema>;
