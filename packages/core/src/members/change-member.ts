import { type ChangeMemberBody, hasRole, type Member, tenantRoleSchema } from "@pilothouse/contract";
import { requireRole } from "../api-keys/create-api-key.ts";
import { checkIfMatch, requireIfMatch } from "../change/check-if-match.ts";
import { recordAudit, recordEvent } from "../change/record.ts";
import { runChange } from "../change/run-change.ts";
import type { Transaction } from "../database/connect.ts";
import { DomainError } from "../errors.ts";
import { type Answer, formatEtag, type RequestContext, requireTenant } from "../request-context.ts";
import { findMember, type MemberRow, toMember } from "./to-member.ts";

/**
 * Changes a member's role. Neither the old nor the new one is above the actor's own.
 * @returns 200
 * @throws DomainError Forbidden, NotFound, PreconditionRequired, PreconditionFailed; LastAdmin when nobody else administers the tenant
 */
export async function changeMember(
  context: RequestContext,
  input: { id: string; ifMatch?: string | undefined; body: ChangeMemberBody },
): Promise<Answer<Member>> {
  const { tenantId } = requireTenant(context, "admin");
  const { role } = input.body;
  if (role !== undefined) requireRole(context, role, "role");
  return runChange(context, { tenantId }, async (transaction) => {
    const row = await lockMember(transaction, tenantId, input.id);
    requireIfMatch(input.ifMatch, row.generation);
    requireRole(context, tenantRoleSchema.parse(row.role));
    if (role === undefined || role === row.role) return answer(row);
    if (!hasRole(role, "admin")) await requireOtherAdmin(transaction, row);
    const where = { tenantId, userId: row.userId };
    await transaction.membership.updateMany({ where, data: { role, generation: { increment: 1 } } });
    const object = { kind: "member", id: row.userId, name: row.email } as const;
    await recordAudit(transaction, context, { tenantId, verb: "changeMember", object, details: input.body });
    await recordEvent(transaction, { tenantId, what: "changed", object });
    return answer({ ...row, role, generation: row.generation + 1 });
  });
}

const answer = (row: MemberRow): { status: number; body: Member; etag: string } => ({
  status: 200,
  body: toMember(row),
  etag: formatEtag(row.generation),
});

/**
 * Takes somebody out of the tenant, or an invitation back. Streams of the person end within seconds.
 * @returns 204
 * @throws DomainError Forbidden, NotFound, PreconditionFailed; LastAdmin when nobody else administers the tenant
 */
export async function removeMember(
  context: RequestContext,
  input: { id: string; ifMatch?: string | undefined },
): Promise<Answer<undefined>> {
  const { tenantId } = requireTenant(context, "admin");
  return runChange(context, { tenantId }, async (transaction) => {
    const row = await lockMember(transaction, tenantId, input.id);
    checkIfMatch(input.ifMatch, row.generation);
    requireRole(context, tenantRoleSchema.parse(row.role));
    await requireOtherAdmin(transaction, row);
    await transaction.membership.deleteMany({ where: { tenantId, userId: row.userId } });
    const object = { kind: "member", id: row.userId, name: row.email } as const;
    await recordAudit(transaction, context, { tenantId, verb: "removeMember", object });
    await recordEvent(transaction, { tenantId, what: "deleted", object });
    return { status: 204, body: undefined };
  });
}

/** Changes of a tenant's members come one after the other, so that of two last administrators one stays. */
async function lockMember(transaction: Transaction, tenantId: string, userId: string): Promise<MemberRow> {
  await transaction.$executeRaw`SELECT 1 FROM tenants WHERE id = ${tenantId}::uuid FOR NO KEY UPDATE`;
  return findMember(transaction, tenantId, userId);
}

/** @throws DomainError LastAdmin when this member administers the tenant, and nobody else does */
async function requireOtherAdmin(transaction: Transaction, row: MemberRow): Promise<void> {
  if (row.acceptedAt === null || !hasRole(tenantRoleSchema.parse(row.role), "admin")) return;
  const others = await transaction.membership.count({
    where: {
      tenantId: row.tenantId,
      userId: { not: row.userId },
      role: { in: ["admin", "owner"] },
      acceptedAt: { not: null },
    },
  });
  if (others > 0) return;
  throw new DomainError(
    "LastAdmin",
    `Nobody but ${row.email} administers the tenant. Give another member the role admin or owner first.`,
  );
}
