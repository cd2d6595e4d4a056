import { recordOwnDeed } from "../change/record.ts";
import { type Database, withPerson } from "../database/connect.ts";
import { DomainError } from "../errors.ts";
import { checkPassword } from "./check-password.ts";
import { hashPassword } from "./hash-password.ts";
import { requirePassword } from "./require-password.ts";

/**
 * Changes a person's own password, and revokes all of the person's other sessions.
 * @throws DomainError InvalidField when the current one is wrong or the new one is not good enough; Unavailable
 */
export async function changePassword(
  database: Database,
  person: { userId: string; email: string; sessionId: string },
  { current, password, requestId }: { current: string; password: string; requestId: string },
): Promise<void> {
  requirePassword(password, person.email);
  if ((await checkPassword(database, person.email, current)) !== person.userId)
    throw new DomainError("InvalidField", "This is not your current password.", { parameter: "current" });
  const passwordHash = await hashPassword(password);
  await withPerson(database, person.userId, async (transaction) => {
    await transaction.user.updateMany({ where: { id: person.userId }, data: { passwordHash } });
    await transaction.session.updateMany({
      where: { userId: person.userId, id: { not: person.sessionId }, revokedAt: null },
      data: { revokedAt: new Date() },
    });
    await recordOwnDeed(transaction, { userId: person.userId, verb: "changePassword", requestId });
  });
}
