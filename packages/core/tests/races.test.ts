import { expect, test } from "vitest";
import {
  changeControlPlane,
  connectCluster,
  createApiKey,
  createControlPlane,
  createRegion,
  createTenant,
  deleteControlPlane,
  disconnectCluster,
} from "../src/index.ts";
import {
  asPlatform,
  catchRefusal,
  finishOperation,
  makeConnectedCluster,
  makeIstiodCluster,
  makeName,
  makeTenant,
  useGround,
  withKey,
} from "./support/fixture.ts";

const ground = useGround();
const order = { name: "mesh", cluster: "shop", line: "1.32", replicas: 1 };
const times = (count: number) => Array.from({ length: count }, (_, index) => index);

async function settle<Result>(work: Promise<Result>[]) {
  const results = await Promise.allSettled(work);
  return {
    made: results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])),
    refused: results.flatMap((result): unknown[] => (result.status === "rejected" ? [result.reason] : [])),
  };
}

test("one request twenty times at once makes one object and gets one answer", async () => {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  await makeIstiodCluster(ground());
  const same = withKey(tenant, "key-1", "create mesh");
  const answers = await Promise.all(times(20).map(() => createControlPlane(same, order)));
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  const [first] = answers;
  for (const answer of answers) expect({ ...answer, replayed: true }).toEqual({ ...first, replayed: true });
  expect(new Set(answers.map((answer) => JSON.stringify(answer.body))).size).toBe(1);
  const where = { tenantId: tenant.actor.tenantId ?? "" };
  expect(await ground().owner.controlPlane.count({ where })).toBe(1);
  expect(await ground().owner.revision.count({ where })).toBe(1);
  expect(await ground().owner.operation.count({ where: { ...where, kind: "control-plane.create" } })).toBe(1);
  const refusal = await catchRefusal(createControlPlane(withKey(tenant, "key-1", "create another"), order));
  expect(refusal).toMatchObject({ code: "IdempotencyKeyReused", parameter: "Idempotency-Key" });
});

test("a key belongs to one API key, and a refused request leaves nothing behind it", async () => {
  const tenant = await makeTenant(ground());
  const keyed = withKey(tenant, "key-2", "create mesh");
  expect((await catchRefusal(createControlPlane(keyed, order))).code).toBe("UnknownReference");
  await makeConnectedCluster(ground(), tenant);
  await makeIstiodCluster(ground());
  expect(await createControlPlane(keyed, order)).toMatchObject({ replayed: false, status: 202 });
  const region = makeName("region");
  const platform = withKey(asPlatform(ground()), "key-2", "create region");
  expect(await createRegion(platform, { name: region, displayName: "R" })).toMatchObject({ replayed: false });
  expect(await createRegion(platform, { name: region, displayName: "R" })).toMatchObject({
    replayed: true,
    status: 201,
    etag: '"1"',
    location: `/api/v1/admin/regions/${region}`,
  });
});

test("a key's text is answered once and stored nowhere", async () => {
  const tenant = await makeTenant(ground());
  const keyed = withKey(tenant, "key-3", "create key");
  const first = await createApiKey(keyed, { name: "ci", role: "viewer" });
  const again = await createApiKey(keyed, { name: "ci", role: "viewer" });
  expect(first.body.key).toMatch(/^plth_/);
  expect(again).toEqual({ ...first, replayed: true, body: { ...first.body, key: null } });
  const stored = await ground().owner.idempotencyKey.findMany({ where: { principalId: tenant.actor.principal.id } });
  expect(JSON.stringify(stored)).not.toContain(first.body.key);
});

test("of many who want the last slot one gets it, and the others hear why", async () => {
  await ground().owner.istiodCluster.updateMany({ data: { schedulable: false } });
  const last = await makeIstiodCluster(ground(), { capacity: { slots: 3, cpuMilli: 10_000, memoryMib: 10_000 } });
  const tenants = await Promise.all(times(12).map(() => makeTenant(ground())));
  await Promise.all(tenants.map((tenant) => makeConnectedCluster(ground(), tenant)));
  const { made, refused } = await settle(tenants.map((tenant) => createControlPlane(tenant, order)));
  expect(made).toHaveLength(3);
  expect(refused).toHaveLength(9);
  for (const error of refused) {
    expect(error).toMatchObject({ name: "DomainError", code: "NoPlacement" });
    expect(error).toHaveProperty(
      "details.rejected",
      expect.arrayContaining([expect.objectContaining({ istiodCluster: last, reason: "NoFreeSlot" })]),
    );
  }
  const row = await ground().owner.istiodCluster.findUniqueOrThrow({ where: { name: last } });
  expect([row.reservedSlots, row.reservedCpuMilli, row.reservedMemoryMib]).toEqual([3, 150, 384]);
  await ground().owner.istiodCluster.updateMany({ data: { schedulable: true } });
});

test("who loses one istiod cluster's last slot gets another's", async () => {
  await ground().owner.istiodCluster.updateMany({ data: { schedulable: false } });
  const capacity = { slots: 2, cpuMilli: 10_000, memoryMib: 10_000 };
  for (const _ of times(5)) await makeIstiodCluster(ground(), { capacity });
  const tenants = await Promise.all(times(10).map(() => makeTenant(ground())));
  await Promise.all(tenants.map((tenant) => makeConnectedCluster(ground(), tenant)));
  const { made } = await settle(tenants.map((tenant) => createControlPlane(tenant, order)));
  expect(made).toHaveLength(10);
  await ground().owner.istiodCluster.updateMany({ data: { schedulable: true } });
});

test("deleted while it is changed, or changed while it is deleted: the deletion stays, and nothing hangs", async () => {
  await makeIstiodCluster(ground());
  for (const _ of times(8)) {
    const tenant = await makeTenant(ground());
    await makeConnectedCluster(ground(), tenant);
    const { body } = await createControlPlane(tenant, order);
    await finishOperation(ground(), body.operation.id);
    const [changed, deleted] = await Promise.allSettled([
      changeControlPlane(tenant, { name: "mesh", ifMatch: "*", body: { replicas: 2 } }),
      deleteControlPlane(tenant, { name: "mesh" }),
    ]);
    expect(deleted.status).toBe("fulfilled");
    expect(changed.status === "fulfilled" || Reflect.get(Object(changed.reason), "code") === "BeingDeleted").toBe(true);
    const operations = await ground().owner.operation.findMany({
      where: { objectId: body.resource.id },
      orderBy: { createdAt: "asc" },
    });
    expect(operations.filter(({ finishedAt }) => finishedAt === null)).toMatchObject([
      { kind: "control-plane.delete" },
    ]);
    const change = operations.find(({ kind }) => kind === "control-plane.change");
    expect(change?.state ?? "superseded").toBe("superseded");
  }
});

test("a cluster is not disconnected under a control plane that is being ordered", async () => {
  await makeIstiodCluster(ground());
  for (const _ of times(8)) {
    const tenant = await makeTenant(ground());
    await makeConnectedCluster(ground(), tenant);
    const { made, refused } = await settle<unknown>([
      createControlPlane(tenant, order),
      disconnectCluster(tenant, { name: "shop" }),
    ]);
    expect(made).toHaveLength(1);
    expect(refused).toHaveLength(1);
    expect(["InUse", "BeingDeleted"]).toContain(Reflect.get(Object(refused[0]), "code"));
  }
});

test("of many who take a name one gets it", async () => {
  const tenant = await makeTenant(ground());
  const name = makeName("taken");
  const body = { name: "pay", kind: "standalone", kubeconfig: "k" } as const;
  for (const make of [
    () => connectCluster(tenant, body),
    () => createTenant(asPlatform(ground()), { name, displayName: "T" }),
  ]) {
    const { made, refused } = await settle<unknown>(times(6).map(() => make()));
    expect(made).toHaveLength(1);
    for (const error of refused) expect(error).toMatchObject({ code: "AlreadyExists", parameter: "name" });
  }
});
