import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

const iterations = 4_096;
const saltLength = 16;
const keyLength = 32;

/**
 * What a Postgres server stores of a password (RFC 5803, as in its pg_authid): it can check the password by it, and not read it. Sent instead of
 * the password, so that no statement has that in it, for a server writes failed statements into its log, and others as it is told.
 * @param salt random unless given
 */
export function makeScramVerifier(password: string, salt: Buffer = randomBytes(saltLength)): string {
  const salted = pbkdf2Sync(password, salt, iterations, keyLength, "sha256");
  const derive = (label: string): Buffer => createHmac("sha256", salted).update(label).digest();
  const storedKey = createHash("sha256").update(derive("Client Key")).digest();
  const encode = (bytes: Buffer): string => bytes.toString("base64");
  return `SCRAM-SHA-256$${iterations}:${encode(salt)}$${encode(storedKey)}:${encode(derive("Server Key"))}`;
}
