import { z } from "zod";
import { objectReferenceSchema, timestampSchema } from "./common.ts";

/** A change that somebody asked for, or a try to sign in. */
export const auditEntrySchema = z
  .strictObject({
    id: z.uuid(),
    actor: z.strictObject({
      kind: z
        .enum(["key", "user", "visitor", "worker"])
        .describe("`visitor`: somebody who was not signed in, and may have been anybody"),
      id: z.uuid().nullable().describe("Null for visitors and workers"),
      name: z
        .string()
        .nullable()
        .describe("Name of the key, or the person's address; null where it is not one of those that can be seen here"),
    }),
    verb: z.string(),
    object: objectReferenceSchema,
    requestId: z.string().describe("Names the request in the service's log"),
    details: z.record(z.string(), z.unknown()).nullable().describe("What was asked for, without secrets"),
    at: timestampSchema,
  })
  .meta({ id: "AuditEntry" });

export type AuditEntry = z.infer<typeof auditEntrySchema>;
