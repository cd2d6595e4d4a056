import { createHash } from "node:crypto";
import type { Database } from "../database/connect.ts";
import { translateOutage } from "../database/describe-error.ts";
import { DomainError } from "../errors.ts";
import { hashPassword } from "./hash-password.ts";
import { requirePassword } from "./require-password.ts";

/** What an invitation is stored and found by. Its text is random, so a plain hash can't be guessed back. */
export const hashInvitation = (token: string): Buffer => createHash("sha256").update(token).digest();

const unknown = (): DomainError =>
  new DomainError(
    "NotFound",
    "This invitation was used, has expired, or never was. Ask whoever sent it for a new one.",
  );

/** Whom an invitation is for, and until when. @throws DomainError NotFound, Unavailable */
export async function findInvitation(database: Database, token: string): Promise<{ email: string; expiresAt: Date }> {
  const rows = await database.$queryRaw<{ email: string; expires_at: Date }[]>`
    SELECT email, expires_at FROM find_invitation(${hashInvitation(token)})`.catch((error: unknown) => {
    throw translateOutage(error);
  });
  const [found] = rows;
  if (found === undefined) throw unknown();
  return { email: found.email, expiresAt: found.expires_at };
}

/**
 * Sets a person's password by an invitation, which is used up by it. Sessions that were open are revoked.
 * @returns the person's address
 * @throws DomainError NotFound, InvalidField, Unavailable
 */
export async function acceptInvitation(
  database: Database,
  { token, password }: { token: string; password: string },
): Promise<{ email: string }> {
  const { email } = await findInvitation(database, token);
  requirePassword(password, email);
  const hash = await hashPassword(password);
  const rows = await database.$queryRaw<{ email: string }[]>`
    SELECT email FROM accept_invitation(${hashInvitation(token)}, ${hash})`.catch((error: unknown) => {
    throw translateOutage(error);
  });
  const [accepted] = rows;
  if (accepted === undefined) throw unknown();
  return { email: accepted.email };
}
