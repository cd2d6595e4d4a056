import { type AddMemberBody, apiPrefix, type NewMember } from "@pilothouse/contract";
import { enterTenant, requireRole } from "../api-keys/create-api-key.ts";
import { recordAudit, recordEvent } from "../change/record.ts";
import { type Outcome, runChange, type Sight } from "../change/run-change.ts";
import type { Transaction } from "../database/connect.ts";
import { DomainError } from "../errors.ts";
import { type Answer, formatEtag, type RequestContext, requirePlatform, requireTenant } from "../request-context.ts";
import { ensureUser, inviteUser } from "../users/invite.ts";
import { findMember, toMember } from "./to-member.ts";

/**
 * Invites somebody into the actor's tenant, with at most the actor's own role. The answer does not tell whether there was such a person.
 * @returns 201 with the invitation's text, which is null when the request is repeated under its Idempotency-Key
 * @throws DomainError Forbidden; AlreadyExists for members and those that are invited already
 */
export async function addMember(context: RequestContext, body: AddMemberBody): Promise<Answer<NewMember>> {
  const { tenantId, tenantName } = requireTenant(context, "admin");
  requireRole(context, body.role, "role");
  return add(context, { tenantId }, body, async () => ({ tenantId, tenantName }));
}

/**
 * Invites somebody into a tenant in the platform's name, such as its first member.
 * @returns as `addMember`
 * @throws DomainError Forbidden, NotFound, AlreadyExists
 */
export async function addTenantMember(
  context: RequestContext,
  input: { tenant: string; body: AddMemberBody },
): Promise<Answer<NewMember>> {
  requirePlatform(context);
  return add(context, "platform", input.body, async (transaction) => ({
    tenantId: await enterTenant(transaction, input.tenant),
    tenantName: input.tenant,
  }));
}

async function add(
  context: RequestContext,
  sight: Sight,
  body: AddMemberBody,
  findTenant: (transaction: Transaction) => Promise<{ tenantId: string; tenantName: string }>,
): Promise<Answer<NewMember>> {
  const { email, displayName, role } = body;
  return runChange(context, sight, async (transaction): Promise<Outcome<NewMember>> => {
    const { tenantId, tenantName } = await findTenant(transaction);
    const { id: userId } = await ensureUser(transaction, { email, displayName });
    const added = await transaction.$executeRaw`
      INSERT INTO memberships (tenant_id, user_id, role) VALUES (${tenantId}::uuid, ${userId}::uuid, ${role}) ON CONFLICT DO NOTHING`;
    if (added === 0)
      throw new DomainError(
        "AlreadyExists",
        `${email} is a member, or invited. Change the role, or take the invitation back to make a new one.`,
        { parameter: "email" },
      );
    const invitation = await inviteUser(transaction, { userId, tenantId });
    const member = toMember(await findMember(transaction, tenantId, userId));
    const object = { kind: "member", id: userId, name: email } as const;
    await recordAudit(transaction, context, { tenantId, verb: "addMember", object, details: body });
    await recordEvent(transaction, { tenantId, what: "created", object });
    return {
      status: 201,
      body: { ...member, invitation },
      repeatedBody: { ...member, invitation: null },
      location: `${apiPrefix}/tenants/${tenantName}/members/${userId}`,
      etag: formatEtag(member.generation),
    };
  });
}
