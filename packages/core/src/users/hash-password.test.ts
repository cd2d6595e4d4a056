import { randomBytes, scryptSync } from "node:crypto";
import { expect, test } from "vitest";
import { hashPassword, verifyPassword } from "./hash-password.ts";

/** A hash that costs next to nothing, so that many can be made at once. */
function hashCheaply(password: string): string {
  const salt = randomBytes(16);
  const hash = scryptSync(password, salt, 32, { N: 2 ** 10, r: 8, p: 1 });
  return ["scrypt", 2 ** 10, 8, 1, salt.toString("base64url"), hash.toString("base64url")].join("$");
}

test("a password is the one that was hashed, however its characters are composed", async () => {
  const stored = await hashPassword("caf\u00e9 au lait");
  expect(stored).toMatch(/^scrypt\$131072\$8\$1\$/);
  expect(await verifyPassword("cafe\u0301 au lait", stored)).toBe(true);
  expect(await verifyPassword("cafe au lait", stored)).toBe(false);
  await expect(verifyPassword("x", "md5$x")).rejects.toThrow("no form that is known");
});

test("who comes when too many wait is told so at once, and all others get their answer", async () => {
  const stored = hashCheaply("right");
  const ended = await Promise.allSettled(Array.from({ length: 60 }, () => verifyPassword("right", stored)));
  const refused = ended.filter((one) => one.status === "rejected");
  expect(refused).toHaveLength(60 - 42);
  for (const { reason } of refused) expect(reason).toMatchObject({ code: "Unavailable" });
  expect(ended.filter((one) => one.status === "fulfilled").every(({ value }) => value)).toBe(true);
  expect(await verifyPassword("right", stored)).toBe(true);
});
