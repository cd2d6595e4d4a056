import { type Database, withPerson } from "../database/connect.ts";
import { notFound } from "../errors.ts";

/**
 * Revokes a session of a person: it is refused from now on, and its event streams end. Doing so again changes nothing.
 * @throws DomainError NotFound for sessions of others
 */
export async function revokeSession(database: Database, { userId, id }: { userId: string; id: string }): Promise<void> {
  await withPerson(database, userId, async (transaction) => {
    const found = await transaction.session.findUnique({ where: { id } });
    if (found === null) throw notFound("session", id);
    await transaction.session.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: new Date() } });
  });
}
