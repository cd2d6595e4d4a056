import { type Member, tenantRoleSchema } from "@pilothouse/contract";
import type { Transaction } from "../database/connect.ts";
import { notFound } from "../errors.ts";
import type { Membership } from "../generated/client.ts";

/** A membership with what may be read of its person. */
export interface MemberRow extends Membership {
  email: string;
  displayName: string;
}

/** A member as the contract has it. What a person is called is the person's own to show, by coming in. */
export function toMember(row: MemberRow): Member {
  return {
    id: row.userId,
    email: row.email,
    displayName: row.acceptedAt === null ? "" : row.displayName,
    role: tenantRoleSchema.parse(row.role),
    isPending: row.acceptedAt === null,
    generation: row.generation,
    createdAt: row.createdAt.toISOString(),
  };
}

/** Adds to memberships what is known of their people. */
export async function withPeople(transaction: Transaction, rows: readonly Membership[]): Promise<MemberRow[]> {
  const people = await transaction.user.findMany({
    where: { id: { in: rows.map(({ userId }) => userId) } },
    select: { id: true, email: true, displayName: true },
  });
  const found = new Map(people.map((person) => [person.id, person]));
  return rows.map((row) => {
    const { email = "", displayName = "" } = found.get(row.userId) ?? {};
    return { ...row, email, displayName };
  });
}

/** Reads a tenant's member. @throws DomainError NotFound */
export async function findMember(transaction: Transaction, tenantId: string, userId: string): Promise<MemberRow> {
  const row = await transaction.membership.findUnique({ where: { tenantId_userId: { tenantId, userId } } });
  const [member] = row === null ? [] : await withPeople(transaction, [row]);
  if (member === undefined) throw notFound("member", userId);
  return member;
}
