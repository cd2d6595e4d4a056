import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { DomainError } from "../errors.ts";

/** Fewest characters of a password; NIST SP 800-63B asks for at least eight, and for fifteen where there is nothing beside it. */
export const shortestPassword = 12;
/** Longer ones are refused before they are hashed. */
export const longestPassword = 200;

/** Of scrypt, as OWASP's password storage cheat sheet recommends: 2^17 blocks of 1 KiB, 128 MiB for each hash. */
const cost = { N: 2 ** 17, r: 8, p: 1 } as const;
const hashBytes = 32;
const saltBytes = 16;
/** Each takes 128 MiB and a third of a second. */
const mostAtOnce = 2;
/** More would wait for longer than anybody does before a page that signs in. */
const mostWaiting = 40;

const waiting: (() => void)[] = [];
let running = 0;

async function derive(
  password: string,
  salt: Buffer,
  { N, r, p }: { N: number; r: number; p: number },
): Promise<Buffer> {
  if (waiting.length >= mostWaiting)
    throw new DomainError("Unavailable", "Too many people sign in at this moment. Try again in a few seconds.");
  if (running >= mostAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await new Promise((resolve, reject) => {
      // Twice what the parameters need, which is what Node counts against.
      scrypt(password.normalize("NFKC"), salt, hashBytes, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
        error === null ? resolve(key) : reject(error),
      );
    });
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

/** Hashes a password with a salt of its own: `scrypt$<N>$<r>$<p>$<salt>$<hash>`. @throws DomainError Unavailable when too many wait for theirs */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  return format(salt, await derive(password, salt, cost));
}

/** A hash that is as costly to compare with as any, and is no password's. */
export const makeNobodysHash = (): string => format(randomBytes(saltBytes), randomBytes(hashBytes));

function format(salt: Buffer, hash: Buffer): string {
  return ["scrypt", cost.N, cost.r, cost.p, salt.toString("base64url"), hash.toString("base64url")].join("$");
}

/** Whether a password is the one that was hashed. @throws Error when the hash is of no form that is known here; DomainError Unavailable when too many wait for theirs */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [, N, r, p, salt = "", hash = ""] = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([\w-]+)\$([\w-]+)$/.exec(stored) ?? [];
  if (hash === "") throw new Error("A stored password hash is of no form that is known.");
  const parameters = { N: Number(N), r: Number(r), p: Number(p) };
  const derived = await derive(password, Buffer.from(salt, "base64url"), parameters);
  return timingSafeEqual(derived, Buffer.from(hash, "base64url"));
}
