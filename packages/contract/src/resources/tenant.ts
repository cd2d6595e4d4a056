import { z } from "zod";
import { generationSchema, nameSchema, textSchema, timestampSchema } from "./common.ts";

/** A customer organisation. */
export const tenantSchema = z
  .strictObject({
    id: z.uuid(),
    name: nameSchema,
    displayName: z.string(),
    generation: generationSchema,
    createdAt: timestampSchema,
  })
  .meta({ id: "Tenant" });

export type Tenant = z.infer<typeof tenantSchema>;

export const createTenantBodySchema = z
  .strictObject({ name: nameSchema, displayName: textSchema(100) })
  .meta({ id: "CreateTenant" });

export type CreateTenantBody = z.output<typeof createTenantBodySchema>;

export const changeTenantBodySchema = z
  .strictObject({ displayName: textSchema(100).optional() })
  .meta({ id: "ChangeTenant" });

export type ChangeTenantBody = z.output<typeof changeTenantBodySchema>;
