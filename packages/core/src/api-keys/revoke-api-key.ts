import { tenantRoleSchema } from "@pilothouse/contract";
import { recordAudit } from "../change/record.ts";
import { runChange, type Sight } from "../change/run-change.ts";
import { readDatabaseTime } from "../database/read-time.ts";
import { notFound } from "../errors.ts";
import { type Answer, type RequestContext, requirePlatform, requireTenant } from "../request-context.ts";
import { requireRole } from "./create-api-key.ts";
import { readableColumns } from "./make-api-key.ts";

/**
 * Revokes one of the tenant's keys of at most the actor's own role: it is refused from now on, and its event streams end. Doing so again
 * changes nothing.
 * @returns 204
 * @throws DomainError NotFound, Forbidden
 */
export async function revokeApiKey(context: RequestContext, input: { id: string }): Promise<Answer<undefined>> {
  const { tenantId } = requireTenant(context, "admin");
  return revokeKey(context, { tenantId }, tenantId, input.id);
}

/** Revokes one of the platform's keys. @returns 204 @throws DomainError NotFound, Forbidden */
export async function revokePlatformKey(context: RequestContext, input: { id: string }): Promise<Answer<undefined>> {
  requirePlatform(context);
  return revokeKey(context, "platform", null, input.id);
}

async function revokeKey(
  context: RequestContext,
  sight: Sight,
  tenantId: string | null,
  id: string,
): Promise<Answer<undefined>> {
  return runChange(context, sight, async (transaction) => {
    const row = await transaction.apiKey.findFirst({ where: { tenantId, id }, select: readableColumns });
    if (row === null) throw notFound("API key", id);
    if (tenantId !== null) requireRole(context, tenantRoleSchema.parse(row.role));
    if (row.revokedAt === null) {
      const revokedAt = await readDatabaseTime(transaction);
      await transaction.apiKey.updateMany({ where: { tenantId, id, revokedAt: null }, data: { revokedAt } });
      const object = { kind: "api-key", id, name: row.name } as const;
      await recordAudit(transaction, context, { tenantId, verb: "revokeApiKey", object });
    }
    return { status: 204, body: undefined };
  });
}
