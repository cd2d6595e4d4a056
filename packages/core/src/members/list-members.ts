import type { Member, Page } from "@pilothouse/contract";
import { withSight } from "../change/run-change.ts";
import { type PageInput, readCursor, timeUuidPosition, toPage } from "../database/page.ts";
import { type RequestContext, requireTenant } from "../request-context.ts";
import { findMember, toMember, withPeople } from "./to-member.ts";

/** Lists the tenant's members, invited ones included, newest first. @throws DomainError InvalidCursor */
export async function listMembers(context: RequestContext, input: PageInput): Promise<Page<Member>> {
  const { tenantId } = requireTenant(context, "viewer");
  const [createdAt, userId] = readCursor(timeUuidPosition, input.cursor) ?? [];
  return withSight(context, { tenantId }, async (transaction) => {
    const at = createdAt === undefined ? undefined : new Date(createdAt);
    const rows = await transaction.membership.findMany({
      where: {
        tenantId,
        ...(at === undefined || userId === undefined
          ? {}
          : { OR: [{ createdAt: { lt: at } }, { createdAt: at, userId: { lt: userId } }] }),
      },
      orderBy: [{ createdAt: "desc" }, { userId: "desc" }],
      take: input.limit + 1,
    });
    return toPage(
      rows,
      input.limit,
      (row) => [row.createdAt.toISOString(), row.userId],
      async (shown) => (await withPeople(transaction, shown)).map(toMember),
    );
  });
}

/** Reads a member. @throws DomainError NotFound */
export async function getMember(context: RequestContext, input: { id: string }): Promise<Member> {
  const { tenantId } = requireTenant(context, "viewer");
  return withSight(context, { tenantId }, async (transaction) =>
    toMember(await findMember(transaction, tenantId, input.id)),
  );
}
