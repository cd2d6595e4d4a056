import type { ApiKey, Page } from "@pilothouse/contract";
import { type Sight, withSight } from "../change/run-change.ts";
import { behindTime, newestFirst, type PageInput, readCursor, timeUuidPosition, toPage } from "../database/page.ts";
import { type RequestContext, requirePlatform, requireTenant } from "../request-context.ts";
import { readableColumns, toApiKey } from "./make-api-key.ts";

/** Lists the tenant's keys, revoked ones included, newest first. @throws DomainError Forbidden, InvalidCursor */
export async function listApiKeys(context: RequestContext, input: PageInput): Promise<Page<ApiKey>> {
  const { tenantId } = requireTenant(context, "admin");
  return listKeys(context, { tenantId }, tenantId, input);
}

/** Lists the platform's keys, revoked ones included, newest first. @throws DomainError Forbidden, InvalidCursor */
export async function listPlatformKeys(context: RequestContext, input: PageInput): Promise<Page<ApiKey>> {
  requirePlatform(context);
  return listKeys(context, "platform", null, input);
}

async function listKeys(
  context: RequestContext,
  sight: Sight,
  tenantId: string | null,
  input: PageInput,
): Promise<Page<ApiKey>> {
  const position = readCursor(timeUuidPosition, input.cursor);
  return withSight(context, sight, async (transaction) => {
    const rows = await transaction.apiKey.findMany({
      where: { tenantId, ...behindTime(position) },
      orderBy: newestFirst,
      take: input.limit + 1,
      select: readableColumns,
    });
    return toPage(
      rows,
      input.limit,
      (row) => [row.createdAt.toISOString(), row.id],
      (shown) => shown.map(toApiKey),
    );
  });
}
