import { z } from "zod";
import { tenantRoleSchema } from "./api-key.ts";
import { nameSchema, textSchema, timestampSchema } from "./common.ts";

/** An address, in lower case whatever case it came in. Visible ASCII alone: what looks the same is the same. */
export const emailSchema = z
  .string()
  .max(254)
  .regex(/^[!-?A-~]+@[!-?A-~]+$/, { error: "must be an e-mail address" })
  .transform((text) => text.toLowerCase())
  .describe("E-mail address; its case does not matter");

export const userSchema = z
  .strictObject({
    id: z.uuid(),
    email: z.string(),
    displayName: z.string(),
    isOperator: z.boolean().describe("Of the provider: sees what belongs to the platform"),
    createdAt: timestampSchema,
  })
  .meta({ id: "User" });

export type User = z.infer<typeof userSchema>;

export const invitationSchema = z
  .strictObject({
    token: z.string().describe("To be handed to the person as `/invitations/<token>` of the portal. Stored nowhere"),
    expiresAt: timestampSchema,
  })
  .meta({ id: "Invitation" });

export type Invitation = z.infer<typeof invitationSchema>;

export const newUserSchema = userSchema
  .extend({
    invitation: invitationSchema
      .nullable()
      .describe("By which a password is set, once. Null when a request is repeated under its Idempotency-Key"),
  })
  .meta({ id: "NewUser" });

export type NewUser = z.infer<typeof newUserSchema>;

export const createUserBodySchema = z
  .strictObject({
    email: emailSchema,
    displayName: textSchema(100).default("").describe("What others see"),
    isOperator: z.boolean().optional().describe("Left as it is when absent"),
  })
  .meta({ id: "CreateUser" });

export type CreateUserBody = z.output<typeof createUserBodySchema>;

/** A browser that is signed in. */
export const sessionSchema = z
  .strictObject({
    id: z.uuid(),
    userAgent: z.string(),
    isCurrent: z.boolean().describe("Whether this request came with it"),
    createdAt: timestampSchema,
    expiresAt: timestampSchema,
  })
  .meta({ id: "Session" });

export type Session = z.infer<typeof sessionSchema>;

/** Who asks. */
export const whoAmISchema = z
  .strictObject({
    kind: z.enum(["key", "user"]),
    id: z.uuid(),
    email: z.string().nullable().describe("Of a person"),
    displayName: z.string().nullable().describe("Of a person"),
    isPlatform: z.boolean().describe("Whether what belongs to the platform is open"),
    tenants: z.array(z.strictObject({ name: nameSchema, displayName: z.string(), role: tenantRoleSchema })),
    expiresAt: timestampSchema.nullable(),
  })
  .meta({ id: "WhoAmI" });

export type WhoAmI = z.infer<typeof whoAmISchema>;

const passwordSchema = z.string().min(1).max(200).meta({ writeOnly: true });

export const changePasswordBodySchema = z
  .strictObject({ current: passwordSchema, password: passwordSchema })
  .meta({ id: "ChangePassword" });

export const acceptInvitationBodySchema = z
  .strictObject({ token: z.string().min(1).max(100).meta({ writeOnly: true }), password: passwordSchema })
  .meta({ id: "AcceptInvitation" });

export const acceptedInvitationSchema = z.strictObject({ email: z.string() }).meta({ id: "AcceptedInvitation" });
