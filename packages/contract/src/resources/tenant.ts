import { z } from "zod";
import { generationSchema, nameSchema, textSchema, timestampSchema } from "./common.ts";

const amountSchema = z.int().min(0);
const amounts = {
  clusters: amountSchema.describe("Mesh clusters"),
  controlPlanes: amountSchema.describe("Also those being deleted, until they are gone"),
  revisions: amountSchema.describe("Also those being deleted, until they are gone"),
  apiKeys: amountSchema.describe("Not revoked and not over"),
};

/** Amounts of what a tenant may have only so many of. */
export const tenantAmountsSchema = z.strictObject(amounts).meta({ id: "TenantAmounts" });

export type TenantAmounts = z.infer<typeof tenantAmountsSchema>;

/** What a tenant may have only so many of. */
export type Quota = keyof TenantAmounts;

const newLimitSchema = z.int().min(0).max(100_000).nullable().optional();

/** A customer organisation. */
export const tenantSchema = z
  .strictObject({
    id: z.uuid(),
    name: nameSchema,
    displayName: z.string(),
    limits: tenantAmountsSchema.describe("How many it may have"),
    used: tenantAmountsSchema.describe("How many it has"),
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
  .strictObject({
    displayName: textSchema(100).optional(),
    limits: z
      .strictObject({
        clusters: newLimitSchema,
        controlPlanes: newLimitSchema,
        revisions: newLimitSchema,
        apiKeys: newLimitSchema,
      })
      .optional()
      .describe("Null is the provider's default. Less than is used takes nothing away, and lets nothing be added"),
  })
  .meta({ id: "ChangeTenant" });

export type ChangeTenantBody = z.output<typeof changeTenantBodySchema>;
