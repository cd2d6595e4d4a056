import { randomBytes } from "node:crypto";
import type { Invitation } from "@pilothouse/contract";
import { v7 as uuid } from "uuid";
import type { Transaction } from "../database/connect.ts";
import { hashInvitation } from "./accept-invitation.ts";

/** How long an invitation holds, in milliseconds. */
const invitationLifetimeMs = 7 * 24 * 3_600_000;

/** Finds the person with an address, or makes one that cannot sign in yet. */
export async function ensureUser(
  transaction: Transaction,
  { email, displayName }: { email: string; displayName: string },
): Promise<{ id: string; hasPassword: boolean }> {
  const rows = await transaction.$queryRaw<{ id: string; has_password: boolean }[]>`
    SELECT id, has_password FROM ensure_user(${uuid()}::uuid, ${email}, ${displayName})`;
  const [found] = rows;
  if (found === undefined) throw new Error("ensure_user answered nothing");
  return { id: found.id, hasPassword: found.has_password };
}

/**
 * Makes an invitation for a person. Its text exists here once.
 * @param tenantId into which it leads; null for one of the platform, by which a password is set anew
 */
export async function inviteUser(
  transaction: Transaction,
  { userId, tenantId }: { userId: string; tenantId: string | null },
): Promise<Invitation> {
  const token = randomBytes(32).toString("base64url");
  const expiresAt = new Date(Date.now() + invitationLifetimeMs);
  await transaction.invitation.createMany({
    data: { hash: Uint8Array.from(hashInvitation(token)), userId, tenantId, expiresAt },
  });
  return { token, expiresAt: expiresAt.toISOString() };
}
