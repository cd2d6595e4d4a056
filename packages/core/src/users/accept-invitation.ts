import { createHash } from "node:crypto";
import { recordEntrance, recordOwnDeed } from "../change/record.ts";
import type { Database } from "../database/connect.ts";
import { translateOutage } from "../database/describe-error.ts";
import { DomainError } from "../errors.ts";
import { hashPassword } from "./hash-password.ts";
import { requirePassword } from "./require-password.ts";

/** What an invitation is stored and found by. Its text is random, so a plain hash can't be guessed back. */
export const hashInvitation = (token: string): Buffer => createHash("sha256").update(token).digest();

/** For a token that leads nowhere. */
export const unknownInvitation = (): DomainError =>
  new DomainError(
    "NotFound",
    "This invitation was used, has expired, or never was. Ask whoever sent it for a new one.",
  );

/** An invitation that holds now. */
export interface FoundInvitation {
  email: string;
  expiresAt: Date;
  /** Whether a password is set by it; else the person signs in, and joins. */
  needsPassword: boolean;
  /** Into which it leads; null for the platform's. */
  tenant: { name: string; displayName: string } | null;
}

interface InvitationRow {
  email: string;
  expires_at: Date;
  needs_password: boolean;
  tenant: string | null;
  tenant_display_name: string | null;
}

/** Whom an invitation is for, into what, and until when. @throws DomainError NotFound, Unavailable */
export async function findInvitation(database: Database, token: string): Promise<FoundInvitation> {
  const rows = await database.$queryRaw<InvitationRow[]>`
    SELECT * FROM find_invitation(${hashInvitation(token)})`.catch((error: unknown) => {
    throw translateOutage(error);
  });
  const [found] = rows;
  if (found === undefined) throw unknownInvitation();
  const { email, expires_at: expiresAt, needs_password: needsPassword, tenant: name } = found;
  const tenant = name === null ? null : { name, displayName: found.tenant_display_name ?? name };
  return { email, expiresAt, needsPassword, tenant };
}

/**
 * Sets a person's password by an invitation, which is used up by it, and lets the person into its tenant. Sessions that were open are revoked.
 * @returns the person's address
 * @throws DomainError NotFound; PasswordIsSet when the invitation leads into a tenant and the person has a password; InvalidField, Unavailable
 */
export async function acceptInvitation(
  database: Database,
  { token, password, requestId }: { token: string; password: string; requestId: string },
): Promise<{ email: string }> {
  const { email, needsPassword } = await findInvitation(database, token);
  if (!needsPassword)
    throw new DomainError(
      "PasswordIsSet",
      "The invited person has a password already. Sign in with it, then accept the invitation.",
    );
  requirePassword(password, email);
  const hash = await hashPassword(password);
  try {
    return await database.$transaction(async (transaction) => {
      const [accepted] = await transaction.$queryRaw<{ id: string; email: string; tenant_id: string | null }[]>`
        SELECT * FROM accept_invitation(${hashInvitation(token)}, ${hash})`;
      if (accepted === undefined) throw unknownInvitation();
      const { id: userId, tenant_id: tenantId } = accepted;
      if (tenantId !== null) await recordEntrance(transaction, { tenantId, userId, email: accepted.email, requestId });
      await recordOwnDeed(transaction, { userId, verb: "acceptInvitation", requestId });
      return { email: accepted.email };
    });
  } catch (error) {
    throw translateOutage(error);
  }
}
