import { randomBytes } from "node:crypto";
import type { ApiKey, KeyRole, NewApiKey } from "@pilothouse/contract";
import { keyRoleSchema } from "@pilothouse/contract";
import { v7 as uuid } from "uuid";
import { recordAudit } from "../change/record.ts";
import { type Outcome, runChange, type Sight } from "../change/run-change.ts";
import type { Transaction } from "../database/connect.ts";
import { readDatabaseTime } from "../database/read-time.ts";
import { DomainError } from "../errors.ts";
import type { ApiKey as ApiKeyRow } from "../generated/client.ts";
import { requireQuota } from "../quotas/require-quota.ts";
import type { Answer, RequestContext } from "../request-context.ts";
import { hashApiKey } from "./authenticate-api-key.ts";

/** What may be read of a key: everything but its hash. */
export const readableColumns = {
  id: true,
  tenantId: true,
  name: true,
  role: true,
  prefix: true,
  createdAt: true,
  expiresAt: true,
  revokedAt: true,
} as const;

/** A key as the contract has it. */
export function toApiKey(row: Omit<ApiKeyRow, "hash">): ApiKey {
  return {
    id: row.id,
    name: row.name,
    role: keyRoleSchema.parse(row.role),
    prefix: row.prefix,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
  };
}

interface KeyRequest {
  name: string;
  role: KeyRole;
  expiresAt?: string | undefined;
}

/** The mark by which secret scanners and people know a key, and 256 random bits. */
const keyMark = "plth_";
const prefixLength = 13;

/** A new key's text: the one time that it exists here. */
export function generateApiKey(): string {
  return `${keyMark}${randomBytes(32).toString("base64url")}`;
}

/** First characters of a key, by which people tell keys apart. */
export function shortenApiKey(key: string): string {
  return key.slice(0, prefixLength);
}

/**
 * Makes a key in a transaction of its own and answers its text, once: a repetition under the same Idempotency-Key answers null instead.
 * @param findTenant says whose key it is; null for the platform's
 * @throws DomainError InvalidField when it would be over already, QuotaExceeded when the tenant has as many keys as it may
 */
export async function makeApiKey(
  context: RequestContext,
  sight: Sight,
  request: KeyRequest,
  findTenant: (transaction: Transaction) => Promise<string | null>,
): Promise<Answer<NewApiKey>> {
  return runChange(context, sight, async (transaction): Promise<Outcome<NewApiKey>> => {
    const tenantId = await findTenant(transaction);
    const expiresAt = await readExpiry(transaction, request.expiresAt);
    if (tenantId !== null) await requireQuota(transaction, tenantId, ["apiKeys"]);
    const key = generateApiKey();
    const row = await transaction.apiKey.create({
      data: {
        id: uuid(),
        tenantId,
        name: request.name,
        role: request.role,
        prefix: shortenApiKey(key),
        hash: hashApiKey(key),
        expiresAt,
      },
      select: readableColumns,
    });
    const object = { kind: "api-key", id: row.id, name: row.name } as const;
    await recordAudit(transaction, context, { tenantId, verb: "createApiKey", object, details: request });
    const apiKey = toApiKey(row);
    return { status: 201, body: { ...apiKey, key }, repeatedBody: { ...apiKey, key: null } };
  });
}

async function readExpiry(transaction: Transaction, text: string | undefined): Promise<Date | null> {
  if (text === undefined) return null;
  const expiresAt = new Date(text);
  if (expiresAt > (await readDatabaseTime(transaction))) return expiresAt;
  throw new DomainError("InvalidField", "The key would be over already. Choose a time to come.", {
    parameter: "expiresAt",
  });
}
