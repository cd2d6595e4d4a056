import { randomUUID } from "node:crypto";
import { recordOwnDeed } from "../change/record.ts";
import { type Database, withPerson } from "../database/connect.ts";

/** How long a session lasts, used or not: a working day and the night after it. In milliseconds. */
export const sessionLifetimeMs = 24 * 3_600_000;
const longestUserAgent = 200;

/** Somebody who has just proven to be a person, and in what browser. */
export interface NewSession {
  userId: string;
  userAgent: string;
  /** Address that it came from, as far as that is known. */
  from: string;
  requestId: string;
}

/** Opens a session of a person who has just proven to be that. Its id is random, and known to the cookie alone. */
export async function openSession(
  database: Database,
  { userId, userAgent, from, requestId }: NewSession,
): Promise<{ id: string; expiresAt: Date }> {
  const session = { id: randomUUID(), expiresAt: new Date(Date.now() + sessionLifetimeMs) };
  const shown = userAgent.slice(0, longestUserAgent);
  await withPerson(database, userId, async (transaction) => {
    await transaction.session.create({ data: { ...session, userId, userAgent: shown } });
    await recordOwnDeed(transaction, { userId, verb: "signIn", requestId, details: { from, userAgent: shown } });
  });
  return session;
}
