import { recordOwnDeed } from "../change/record.ts";
import { type Database, withPerson } from "../database/connect.ts";
import { notFound } from "../errors.ts";

/** A session, and who ends it. */
export interface EndedSession {
  userId: string;
  id: string;
  /** Whether it is the browser itself that signs out. */
  isOwn: boolean;
  requestId: string;
}

/**
 * Revokes a session of a person: it is refused from now on, and its event streams end. Doing so again changes nothing.
 * @throws DomainError NotFound for sessions of others
 */
export async function revokeSession(database: Database, ended: EndedSession): Promise<void> {
  const { userId, id, isOwn, requestId } = ended;
  await withPerson(database, userId, async (transaction) => {
    const found = await transaction.session.findUnique({ where: { id } });
    if (found === null) throw notFound("session", id);
    const { count } = await transaction.session.updateMany({
      where: { id, revokedAt: null },
      data: { revokedAt: new Date() },
    });
    if (count === 0) return;
    const verb = isOwn ? "signOut" : "revokeSession";
    await recordOwnDeed(transaction, { userId, verb, requestId, details: { userAgent: found.userAgent } });
  });
}
