import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  changeIstiodCluster,
  connectCluster,
  countOlderSeals,
  createSealingKeys,
  findSealingKey,
  listSealedTo,
  openSecret,
  registerSealingKeys,
  replaceSeal,
  retireSealingKeys,
  sealSecret,
} from "../src/index.ts";
import { asPlatform, makeIstiodCluster, makeTenant, useGround } from "./support/fixture.ts";

const ground = useGround();
const hourMs = 3_600_000;

/** A key that is newer than all before it by its own account, and registered as a worker does. */
async function addKey(aheadMs: number) {
  const key = { id: randomUUID(), createdAt: new Date(Date.now() + aheadMs), ...(await createSealingKeys()) };
  await registerSealingKeys(ground().worker, [key]);
  return key;
}

const seals = (keyId: string) => ground().owner.sealedSecret.count({ where: { keyId } });
const isRetired = async (id: string): Promise<boolean> =>
  (await ground().owner.sealingKey.findUniqueOrThrow({ where: { id } })).retiredAt !== null;

/** Seals everything anew as a worker does, from one key to another. */
async function resealAll(from: { id: string; privateKey: Uint8Array }, to: { id: string; publicKey: Uint8Array }) {
  for (const sealed of await listSealedTo(ground().worker, { keyIds: [from.id], after: undefined, limit: 100 })) {
    const text = await openSecret(from.privateKey, sealed.binding, sealed.ciphertext);
    const ciphertext = await sealSecret(to.publicKey, sealed.binding, text);
    expect(await replaceSeal(ground().worker, sealed, { keyId: to.id, ciphertext })).toBe(true);
    expect(await replaceSeal(ground().worker, sealed, { keyId: to.id, ciphertext })).toBe(false);
  }
}

test("the newest key is sealed to; an older one is retired when nothing is sealed to it, and the newest never", async () => {
  const { sealingKey: first, worker } = ground();
  const istiodCluster = await makeIstiodCluster(ground());
  expect(await seals(first.id)).toBe(1);
  expect(await retireSealingKeys(worker)).toEqual([]);
  const second = await addKey(hourMs);
  const late = await addKey(-hourMs);
  expect((await findSealingKey(worker))?.id).toBe(second.id);
  // Older than the newest and empty: nobody will ever seal to it.
  expect(await retireSealingKeys(worker)).toEqual([late.id]);
  const kubeconfig = "a newer kubeconfig";
  await changeIstiodCluster(asPlatform(ground()), { name: istiodCluster, ifMatch: "*", body: { kubeconfig } });
  expect([await seals(first.id), await seals(second.id)]).toEqual([1, 1]);
  expect(await countOlderSeals(worker, second.id)).toBe(1);
  expect(await retireSealingKeys(worker)).toEqual([]);

  const before = await ground().owner.sealedSecret.findMany({ orderBy: { id: "asc" }, omit: { ciphertext: true } });
  await resealAll(first, second);
  const after = await ground().owner.sealedSecret.findMany({ orderBy: { id: "asc" }, omit: { ciphertext: true } });
  expect(after).toEqual(before.map((row) => ({ ...row, keyId: second.id })));
  expect(await retireSealingKeys(worker)).toEqual([first.id]);
  expect(await retireSealingKeys(worker)).toEqual([]);
  // A worker that starts with the old file beside the new one does not bring it back.
  await registerSealingKeys(worker, [first, second]);
  expect(await isRetired(first.id)).toBe(true);
  expect((await findSealingKey(worker))?.id).toBe(second.id);
});

const insert = (keyId: string) => ({
  data: {
    id: randomUUID(),
    tenantId: null,
    purpose: "istiod-cluster-access",
    objectKind: "istiod-cluster",
    objectId: "x",
    keyId,
    ciphertext: Buffer.from("x"),
  },
});

test("nothing is sealed to a retired key, by whomever", async () => {
  const { owner, worker } = ground();
  const [old, newest] = [await addKey(2 * hourMs), await addKey(3 * hourMs)];
  expect(await retireSealingKeys(worker)).toContain(old.id);
  for (const database of [owner, worker])
    await expect(database.sealedSecret.createMany(insert(old.id))).rejects.toThrow(/write conflict/);
  const { data } = insert(newest.id);
  await worker.sealedSecret.createMany({ data });
  const move = worker.sealedSecret.updateMany({ where: { id: data.id }, data: { keyId: old.id } });
  await expect(move).rejects.toThrow(/write conflict/);
  await worker.sealedSecret.deleteMany({ where: { id: data.id } });
});

test("a key that somebody is sealing to is not retired, however late the commit", async () => {
  const { owner, worker } = ground();
  const old = await addKey(4 * hourMs);
  await addKey(5 * hourMs);
  const committing = Promise.withResolvers<undefined>();
  const inserted = Promise.withResolvers<undefined>();
  const { data } = insert(old.id);
  const sealing = owner.$transaction(
    async (transaction) => {
      await transaction.sealedSecret.createMany({ data });
      inserted.resolve(undefined);
      await committing.promise;
    },
    { timeout: 10_000 },
  );
  await inserted.promise;
  const retiring = retireSealingKeys(worker);
  expect(await Promise.race([retiring, sleep(500, "waits")])).toBe("waits");
  committing.resolve(undefined);
  await sealing;
  expect(await retiring).not.toContain(old.id);
  expect(await isRetired(old.id)).toBe(false);
  await owner.sealedSecret.deleteMany({ where: { id: data.id } });
  expect(await retireSealingKeys(worker)).toContain(old.id);
});

test("a request whose key is retired under its hands seals to the newest instead", async () => {
  const { owner, worker } = ground();
  const tenant = await makeTenant(ground());
  const old = await addKey(6 * hourMs);
  const newest = { id: randomUUID(), publicKey: (await createSealingKeys()).publicKey };
  // The trigger of a request's own insert comes between: the newer key, and the end of the old one, are there before it looks.
  await owner.$executeRawUnsafe(`
    CREATE FUNCTION retire_meanwhile() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
      PERFORM pg_advisory_lock(77), pg_advisory_unlock(77); RETURN NEW; END $$`);
  await owner.$executeRawUnsafe(
    "CREATE TRIGGER a_retire_meanwhile BEFORE INSERT ON sealed_secrets FOR EACH ROW EXECUTE FUNCTION retire_meanwhile()",
  );
  const body = { name: "late", kind: "standalone", kubeconfig: "k" } as const;
  const holding = owner.$transaction(
    async (transaction) => {
      await transaction.$executeRaw`SELECT pg_advisory_xact_lock(77)`;
      const request = connectCluster(tenant, body);
      request.catch(() => undefined);
      await sleep(500);
      await registerSealingKeys(worker, [{ ...newest, createdAt: new Date(Date.now() + 7 * hourMs) }]);
      expect(await retireSealingKeys(worker)).toContain(old.id);
      return { request };
    },
    { timeout: 10_000 },
  );
  const { request } = await holding;
  expect((await request).status).toBe(202);
  expect([await seals(old.id), await seals(newest.id)]).toEqual([0, 1]);
  await owner.$executeRawUnsafe("DROP TRIGGER a_retire_meanwhile ON sealed_secrets");
});
