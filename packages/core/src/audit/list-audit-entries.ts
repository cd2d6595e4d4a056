import type { AuditEntry, Page } from "@pilothouse/contract";
import { z } from "zod";
import { type Sight, withSight } from "../change/run-change.ts";
import type { Transaction } from "../database/connect.ts";
import { type PageInput, readCursor, timeUuidPosition, toPage } from "../database/page.ts";
import type { AuditEntry as AuditRow } from "../generated/client.ts";
import { type RequestContext, requirePlatform, requireTenant } from "../request-context.ts";

/** Lists who asked for which change in the tenant, newest first. @throws DomainError InvalidCursor */
export async function listAuditEntries(context: RequestContext, input: PageInput): Promise<Page<AuditEntry>> {
  const { tenantId } = requireTenant(context, "viewer");
  return list(context, { tenantId }, tenantId, input);
}

/** Lists who asked for which change of what belongs to the platform, newest first. @throws DomainError Forbidden, InvalidCursor */
export async function listPlatformAuditEntries(context: RequestContext, input: PageInput): Promise<Page<AuditEntry>> {
  requirePlatform(context);
  return list(context, "platform", null, input);
}

async function list(
  context: RequestContext,
  sight: Sight,
  tenantId: string | null,
  input: PageInput,
): Promise<Page<AuditEntry>> {
  const [time, id] = readCursor(timeUuidPosition, input.cursor) ?? [];
  return withSight(context, sight, async (transaction) => {
    const at = time === undefined ? undefined : new Date(time);
    const rows = await transaction.auditEntry.findMany({
      where: {
        tenantId,
        ...(at === undefined || id === undefined ? {} : { OR: [{ at: { lt: at } }, { at, id: { lt: id } }] }),
      },
      orderBy: [{ at: "desc" }, { id: "desc" }],
      take: input.limit + 1,
    });
    return toPage(
      rows,
      input.limit,
      (row) => [row.at.toISOString(), row.id],
      (shown) => toAuditEntries(transaction, shown),
    );
  });
}

const detailsSchema = z.record(z.string(), z.unknown());

async function toAuditEntries(transaction: Transaction, rows: readonly AuditRow[]): Promise<AuditEntry[]> {
  const actors = rows.map(({ actor }) => readActor(actor));
  const names = await findNames(transaction, actors);
  return rows.map((row, index) => {
    const actor = actors[index] ?? { kind: "worker", id: null };
    return {
      id: row.id,
      actor: { ...actor, name: names.get(actor.id ?? "") ?? null },
      verb: row.verb,
      object: { kind: row.objectKind, id: row.objectId, name: row.objectName },
      requestId: row.requestId,
      details: detailsSchema.safeParse(row.details).data ?? null,
      at: row.at.toISOString(),
    };
  });
}

type Actor = Pick<AuditEntry["actor"], "kind" | "id">;

/** Reads `key:<id>`, `user:<id>`, `visitor` or `worker`. */
function readActor(text: string): Actor {
  const [kind, id = null] = text.split(":");
  if (kind === "key" || kind === "user") return { kind, id };
  return { kind: kind === "visitor" ? kind : "worker", id: null };
}

/** Names of keys and addresses of people, as far as this transaction may see them. */
async function findNames(transaction: Transaction, actors: readonly Actor[]): Promise<Map<string, string>> {
  const idsOf = (wanted: Actor["kind"]): string[] => [
    ...new Set(actors.flatMap(({ kind, id }) => (kind === wanted && id !== null ? [id] : []))),
  ];
  const keys = await transaction.apiKey.findMany({
    where: { id: { in: idsOf("key") } },
    select: { id: true, name: true },
  });
  const people = await transaction.user.findMany({
    where: { id: { in: idsOf("user") } },
    select: { id: true, email: true },
  });
  return new Map([
    ...keys.map(({ id, name }) => [id, name] as const),
    ...people.map(({ id, email }) => [id, email] as const),
  ]);
}
