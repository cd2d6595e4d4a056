import { randomUUID } from "node:crypto";
import { type Database, withPerson } from "../database/connect.ts";

/** How long a session lasts, used or not: a working day and the night after it. In milliseconds. */
export const sessionLifetimeMs = 24 * 3_600_000;
const longestUserAgent = 200;

/** Opens a session of a person who has just proven to be that. Its id is random, and known to the cookie alone. */
export async function openSession(
  database: Database,
  { userId, userAgent }: { userId: string; userAgent: string },
): Promise<{ id: string; expiresAt: Date }> {
  const session = { id: randomUUID(), expiresAt: new Date(Date.now() + sessionLifetimeMs) };
  await withPerson(database, userId, (transaction) =>
    transaction.session.create({ data: { ...session, userId, userAgent: userAgent.slice(0, longestUserAgent) } }),
  );
  return session;
}
