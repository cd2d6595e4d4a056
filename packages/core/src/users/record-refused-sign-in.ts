import { v7 as uuid } from "uuid";
import { type Database, withPlatform } from "../database/connect.ts";
import { toJson } from "../database/json.ts";

/** A try to sign in that was refused. */
export interface RefusedSignIn {
  email: string;
  reason: "WrongPassword" | "TooManyTries";
  /** Address that it came from, as far as that is known. */
  from: string;
  requestId: string;
}

/** Of the same kind for the same person, one is written down in this time: whoever tries a list of words fills no table. */
const quietMinutes = 15;

/**
 * Writes down that somebody tried to sign in as a person and was refused, the first of each kind in a quarter of an hour. Tries for an address of
 * nobody are not: what was typed there may be a password.
 */
export async function recordRefusedSignIn(database: Database, refused: RefusedSignIn): Promise<void> {
  const { reason, from, requestId } = refused;
  const email = refused.email.trim().toLowerCase();
  await withPlatform(database, async (transaction) => {
    await transaction.$executeRaw`
      INSERT INTO audit_entries (id, actor, verb, object_kind, object_id, object_name, request_id, details)
      SELECT ${uuid()}::uuid, 'visitor', 'refuseSignIn', 'user', u.id::text, u.email, ${requestId}, ${JSON.stringify(toJson({ reason, from }))}::jsonb
      FROM users u WHERE u.email = ${email} AND NOT EXISTS (
        SELECT FROM audit_entries a WHERE a.tenant_id IS NULL AND a.at > now() - ${quietMinutes}::int * interval '1 minute'
          AND a.verb = 'refuseSignIn' AND a.object_id = u.id::text AND a.details ->> 'reason' = ${reason})`;
  });
}
