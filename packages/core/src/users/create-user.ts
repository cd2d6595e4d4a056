import type { CreateUserBody, NewUser } from "@pilothouse/contract";
import { recordAudit } from "../change/record.ts";
import { runChange, type Outcome } from "../change/run-change.ts";
import { type Answer, type RequestContext, requirePlatform } from "../request-context.ts";
import { ensureUser, inviteUser } from "./invite.ts";

/**
 * Makes a person, or finds the one with this address, and an invitation by which a password is set: for the first time, or anew when the old one
 * was forgotten. Who becomes an operator by it has no password and no open session from then on, but the invitation.
 * @returns 201 with the invitation's text, which is null when the request is repeated under its Idempotency-Key
 * @throws DomainError Forbidden
 */
export async function createUser(context: RequestContext, body: CreateUserBody): Promise<Answer<NewUser>> {
  requirePlatform(context);
  return runChange(context, "platform", async (transaction): Promise<Outcome<NewUser>> => {
    const { email, displayName, isOperator } = body;
    const { id } = await ensureUser(transaction, { email, displayName });
    if (isOperator !== undefined) await transaction.user.updateMany({ where: { id }, data: { isOperator } });
    const row = await transaction.user.findUniqueOrThrow({
      where: { id },
      select: { id: true, email: true, displayName: true, isOperator: true, createdAt: true },
    });
    const invitation = await inviteUser(transaction, { userId: id, tenantId: null });
    const object = { kind: "user", id, name: email } as const;
    await recordAudit(transaction, context, { tenantId: null, verb: "createUser", object, details: body });
    const user = { ...row, createdAt: row.createdAt.toISOString() };
    return { status: 201, body: { ...user, invitation }, repeatedBody: { ...user, invitation: null } };
  });
}
