import { expect, test } from "vitest";
import { createSealingKeys, openSecret, type SealBinding, sealSecret } from "./seal.ts";

const binding: SealBinding = {
  id: "1",
  tenantId: null,
  purpose: "cluster-token",
  objectKind: "cluster",
  objectId: "2",
};

test("what was sealed opens with the private key alone, in its own row, unchanged", async () => {
  const { publicKey, privateKey } = await createSealingKeys();
  const sealed = await sealSecret(publicKey, binding, "secret text");
  expect(Buffer.from(sealed).includes("secret text")).toBe(false);
  expect(await openSecret(privateKey, binding, sealed)).toBe("secret text");
  expect(await sealSecret(publicKey, binding, "secret text")).not.toEqual(sealed);
  const other = await createSealingKeys();
  await expect(openSecret(other.privateKey, binding, sealed)).rejects.toThrow("can't be opened");
  for (const moved of [
    { id: "9" },
    { tenantId: "t" },
    { objectId: "9" },
    { objectKind: "x" },
  ] satisfies Partial<SealBinding>[]) {
    await expect(openSecret(privateKey, { ...binding, ...moved }, sealed)).rejects.toThrow("can't be opened");
  }
  sealed[40] = (sealed[40] ?? 0) ^ 1;
  await expect(openSecret(privateKey, binding, sealed)).rejects.toThrow("can't be opened");
});
