import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readKeyRing } from "./key-ring.ts";

async function openRing() {
  const folder = await mkdtemp(join(tmpdir(), "pilothouse-keys-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return { folder, keys: await readKeyRing(folder) };
}

const binding = {
  id: "0b8f5a3e-0000-4000-8000-000000000001",
  tenantId: null,
  purpose: "cluster-token",
  objectKind: "cluster",
  objectId: "0b8f5a3e-0000-4000-8000-000000000002",
} as const;

test("a secret that was opened before still opens for its own row alone, and only unchanged", async () => {
  const { keys } = await openRing();
  const sealed = await keys.sealText(binding, "a token");
  await expect(keys.openText(sealed)).resolves.toBe("a token");
  await expect(keys.openText(sealed)).resolves.toBe("a token");
  const moved = { ...sealed, binding: { ...binding, objectId: "another" } };
  await expect(keys.openText(moved)).rejects.toThrow("can't be opened");
  const changed = Buffer.from(sealed.ciphertext);
  changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
  await expect(keys.openText({ ...sealed, ciphertext: changed })).rejects.toThrow("can't be opened");
  await expect(keys.openText(sealed)).resolves.toBe("a token");
});

test("once its key is taken away, a secret does not open any more", async () => {
  const { folder, keys } = await openRing();
  const sealed = await keys.sealText(binding, "a token");
  await expect(keys.openText(sealed)).resolves.toBe("a token");
  await rm(join(folder, `${sealed.keyId}.key`));
  await readKeyRing(folder);
  await keys.reload();
  await expect(keys.openText(sealed)).rejects.toMatchObject({ code: "SealedToUnknownKey" });
});
