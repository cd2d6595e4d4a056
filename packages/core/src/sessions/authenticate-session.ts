import { tenantRoleSchema } from "@pilothouse/contract";
import { z } from "zod";
import type { Database } from "../database/connect.ts";
import { translateOutage } from "../database/describe-error.ts";

const rowSchema = z.object({
  user_id: z.string(),
  email: z.string(),
  display_name: z.string(),
  is_operator: z.boolean(),
  expires_at: z.date(),
  memberships: z.array(
    z.object({ tenantId: z.string(), tenant: z.string(), displayName: z.string(), role: tenantRoleSchema }),
  ),
});

/** A person that is signed in now. */
export interface SignedIn {
  userId: string;
  email: string;
  displayName: string;
  /** Of the provider. */
  isOperator: boolean;
  expiresAt: Date;
  memberships: z.infer<typeof rowSchema>["memberships"];
}

/**
 * Finds whose session this is, with the tenants that the person belongs to now.
 * @returns undefined for sessions that don't exist, are revoked or over
 * @throws DomainError Unavailable when the database does not answer
 */
export async function authenticateSession(database: Database, sessionId: string): Promise<SignedIn | undefined> {
  const rows = await database.$queryRaw<unknown[]>`SELECT * FROM authenticate_session(${sessionId}::uuid)`.catch(
    (error: unknown) => {
      throw translateOutage(error);
    },
  );
  if (rows[0] === undefined) return undefined;
  const row = rowSchema.parse(rows[0]);
  return {
    userId: row.user_id,
    email: row.email,
    displayName: row.display_name,
    isOperator: row.is_operator,
    expiresAt: row.expires_at,
    memberships: row.memberships,
  };
}
