import { createHash } from "node:crypto";
import { keyRoleSchema } from "@pilothouse/contract";
import type { Database } from "../database/connect.ts";
import { translateOutage } from "../database/describe-error.ts";
import type { Actor } from "../request-context.ts";

/** What a key is stored and found by. Keys are random, so a plain hash can't be guessed back. */
export function hashApiKey(key: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha256").update(key).digest());
}

/** An API key that is valid now. */
export interface AuthenticatedKey extends Omit<Actor, "requestId"> {
  expiresAt: Date | null;
}

/**
 * Finds who presents a bearer key.
 * @returns undefined for keys that don't exist, are revoked or over: the caller learns no more
 * @throws DomainError Unavailable when the database does not answer
 */
export async function authenticateApiKey(database: Database, key: string): Promise<AuthenticatedKey | undefined> {
  const rows = await findKey(database, hashApiKey(key));
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    principal: { kind: "key", id: row.id },
    tenantId: row.tenant_id,
    tenantName: row.tenant_name,
    role: keyRoleSchema.parse(row.role),
    expiresAt: row.expires_at,
  };
}

interface KeyRow {
  id: string;
  tenant_id: string | null;
  tenant_name: string | null;
  role: string;
  expires_at: Date | null;
}

async function findKey(database: Database, hash: Uint8Array<ArrayBuffer>): Promise<KeyRow[]> {
  try {
    return await database.$queryRaw<KeyRow[]>`SELECT * FROM authenticate_api_key(${hash})`;
  } catch (error) {
    throw translateOutage(error);
  }
}
