import type { Database } from "../database/connect.ts";
import { translateOutage } from "../database/describe-error.ts";
import { longestPassword, makeNobodysHash, verifyPassword } from "./hash-password.ts";

/** Compared with where there is no such person, so that the answer takes as long. */
const nobody = makeNobodysHash();

/**
 * Finds the person with this address and password.
 * @returns the person's id; undefined for a wrong password and an unknown address alike
 * @throws DomainError Unavailable when the database does not answer
 */
export async function checkPassword(database: Database, email: string, password: string): Promise<string | undefined> {
  if (password.length > longestPassword) return undefined;
  const rows = await database.$queryRaw<{ id: string; password_hash: string | null }[]>`
    SELECT id, password_hash FROM find_sign_in(${email.trim().toLowerCase()})`.catch((error: unknown) => {
    throw translateOutage(error);
  });
  const [found] = rows;
  if (typeof found?.password_hash !== "string") {
    await verifyPassword(password, nobody);
    return undefined;
  }
  return (await verifyPassword(password, found.password_hash)) ? found.id : undefined;
}
