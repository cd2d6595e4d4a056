import { z } from "zod";
import { tenantRoleSchema } from "./api-key.ts";
import { generationSchema, textSchema, timestampSchema } from "./common.ts";
import { emailSchema, invitationSchema } from "./user.ts";

/** A person's part in a tenant. */
export const memberSchema = z
  .strictObject({
    id: z.uuid().describe("Of the person"),
    email: z.string(),
    displayName: z.string(),
    role: tenantRoleSchema,
    isPending: z.boolean().describe("Invited, and has not come yet: nothing is open to this person until then"),
    generation: generationSchema,
    createdAt: timestampSchema,
  })
  .meta({ id: "Member" });

export type Member = z.infer<typeof memberSchema>;

export const newMemberSchema = memberSchema
  .extend({
    invitation: invitationSchema
      .nullable()
      .describe("By which the person comes in, once. Null when a request is repeated under its Idempotency-Key"),
  })
  .meta({ id: "NewMember" });

export type NewMember = z.infer<typeof newMemberSchema>;

export const addMemberBodySchema = z
  .strictObject({
    email: emailSchema,
    displayName: textSchema(100).default("").describe("What others see, when the person is new here"),
    role: tenantRoleSchema.describe("At most one's own"),
  })
  .meta({ id: "AddMember" });

export type AddMemberBody = z.output<typeof addMemberBodySchema>;

export const changeMemberBodySchema = z
  .strictObject({ role: tenantRoleSchema.optional().describe("At most one's own") })
  .meta({ id: "ChangeMember" });

export type ChangeMemberBody = z.output<typeof changeMemberBodySchema>;

export const joinTenantBodySchema = z
  .strictObject({ token: z.string().min(1).max(100).meta({ writeOnly: true }) })
  .meta({ id: "JoinTenant" });

/** Where somebody has come in. */
export const joinedTenantSchema = z
  .strictObject({ tenant: z.string(), displayName: z.string(), role: tenantRoleSchema })
  .meta({ id: "JoinedTenant" });

export type JoinedTenant = z.infer<typeof joinedTenantSchema>;
