import { z } from "zod";
import type { ResponseDefinition } from "../define-operation.ts";
import { nameSchema } from "../resources/common.ts";
import { acceptedSchema } from "../resources/operation.ts";

/** Where an operation takes no query, or no path parameters. */
export const nothing = z.strictObject({});

export const tenantParams = z.strictObject({ tenant: nameSchema });

/** Success of a change that takes time. */
export function accepted<Resource extends z.ZodType>(
  resource: Resource,
): ResponseDefinition & { schema: ReturnType<typeof acceptedSchema<Resource>> } {
  return {
    description: "Begun: the object as it is now, and the operation that Location names",
    schema: acceptedSchema(resource),
    headers: ["location"],
  };
}

/** Success of making something at once. */
export function created<Schema extends z.ZodType>(
  schema: Schema,
  headers: readonly ("etag" | "location")[] = ["etag", "location"],
): ResponseDefinition & { schema: Schema } {
  return { description: "Made", schema, headers };
}

/** Success of reading or changing one thing that has a generation. */
export function found<Schema extends z.ZodType>(
  schema: Schema,
  description = "As it is now",
): ResponseDefinition & { schema: Schema } {
  return { description, schema, headers: ["etag"] };
}

/** Success of reading what never changes by request. */
export function answered<Schema extends z.ZodType>(
  schema: Schema,
  description = "As it is now",
): ResponseDefinition & { schema: Schema } {
  return { description, schema };
}

export const gone = { description: "Done; there is nothing to say" } satisfies ResponseDefinition;
