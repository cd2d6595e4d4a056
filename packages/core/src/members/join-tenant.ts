import { type JoinedTenant, tenantRoleSchema } from "@pilothouse/contract";
import { type Database, withPerson } from "../database/connect.ts";
import { recordEntrance } from "../change/record.ts";
import { hashInvitation, unknownInvitation } from "../users/accept-invitation.ts";

interface JoinedRow {
  tenant_id: string;
  tenant: string;
  display_name: string;
  role: string;
  email: string;
}

/**
 * Lets somebody who is signed in into a tenant, by an invitation of that very person, which is used up by it.
 * @throws DomainError NotFound for invitations that don't hold, or are for others; Unavailable
 */
export async function joinTenant(
  database: Database,
  { userId, token, requestId }: { userId: string; token: string; requestId: string },
): Promise<JoinedTenant> {
  return withPerson(database, userId, async (transaction) => {
    const rows = await transaction.$queryRaw<JoinedRow[]>`SELECT * FROM join_tenant(${hashInvitation(token)})`;
    const [joined] = rows;
    if (joined === undefined) throw unknownInvitation();
    const { tenant_id: tenantId, tenant, display_name: displayName, role, email } = joined;
    await recordEntrance(transaction, { tenantId, userId, email, requestId });
    return { tenant, displayName, role: tenantRoleSchema.parse(role) };
  });
}
