import { z } from "zod";
import { nameSchema, timestampSchema } from "./common.ts";

/** From the least to the most: `viewer` reads, `operator` changes clusters and control planes, `admin` and `owner` also make keys. */
export const tenantRoles = ["viewer", "operator", "admin", "owner"] as const;

export const tenantRoleSchema = z.enum(tenantRoles);

export type TenantRole = z.infer<typeof tenantRoleSchema>;

/** What a key may do: a role in its tenant, or everything of the platform. */
export type KeyRole = TenantRole | "platform";

export const keyRoleSchema = z.enum([...tenantRoles, "platform"]);

/** Tells whether `role` allows what asks for `needed`. */
export function hasRole(role: TenantRole, needed: TenantRole): boolean {
  return tenantRoles.indexOf(role) >= tenantRoles.indexOf(needed);
}

const apiKeyShape = {
  id: z.uuid(),
  name: nameSchema,
  role: keyRoleSchema,
  prefix: z.string().describe("The key's first characters, by which people tell keys apart"),
  createdAt: timestampSchema,
  expiresAt: timestampSchema.nullable(),
  revokedAt: timestampSchema.nullable(),
};

export const apiKeySchema = z.strictObject(apiKeyShape).meta({ id: "ApiKey" });

export type ApiKey = z.infer<typeof apiKeySchema>;

/** A key just made: the one time that its text is answered. */
export const newApiKeySchema = z
  .strictObject({
    ...apiKeyShape,
    key: z
      .string()
      .nullable()
      .describe(
        "The bearer key itself. Stored nowhere, so it is null when a request is repeated under its Idempotency-Key",
      ),
  })
  .meta({ id: "NewApiKey" });

export type NewApiKey = z.infer<typeof newApiKeySchema>;

const expirySchema = timestampSchema.optional().describe("When it ends; never when absent");

export const createApiKeyBodySchema = z
  .strictObject({ name: nameSchema, role: tenantRoleSchema, expiresAt: expirySchema })
  .meta({ id: "CreateApiKey" });

export type CreateApiKeyBody = z.output<typeof createApiKeyBodySchema>;

export const createPlatformKeyBodySchema = z
  .strictObject({ name: nameSchema, expiresAt: expirySchema })
  .meta({ id: "CreatePlatformKey" });

export type CreatePlatformKeyBody = z.output<typeof createPlatformKeyBodySchema>;
