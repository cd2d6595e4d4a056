import {
  type ChangeIstiodClusterBody,
  controlPlaneSchema,
  operationSchema,
  revisionSchema,
} from "@pilothouse/contract";
import { expect, test } from "vitest";
import {
  changeControlPlane,
  changeIstiodCluster,
  createControlPlane,
  createVersion,
  createVersionLine,
  deleteControlPlane,
  getControlPlane,
  getOperation,
  listApiKeys,
  listControlPlanes,
  listEvents,
  listOperations,
  listRevisions,
  previewPlacement,
} from "../src/index.ts";
import {
  asPlatform,
  catchRefusal,
  finishOperation,
  makeConnectedCluster,
  makeIstiodCluster,
  makeTenant,
  useGround,
  withRole,
} from "./support/fixture.ts";

const ground = useGround();
const order = { name: "mesh", cluster: "shop", line: "1.32", replicas: 1 };

test("a control plane is ordered: placed, reserved, recorded, and the worker woken", async () => {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  const istiod = await makeIstiodCluster(ground());
  const answer = await createControlPlane(tenant, { ...order, replicas: 2 });
  expect(answer).toMatchObject({ status: 202, replayed: false });
  const { resource, operation } = answer.body;
  expect(controlPlaneSchema.parse(resource)).toEqual(resource);
  expect(operationSchema.parse(operation)).toEqual(operation);
  expect(answer.location).toBe(`/api/v1/tenants/${tenant.actor.tenantName}/operations/${operation.id}`);
  expect(resource).toMatchObject({ version: "1.32.1", line: "1.32", phase: "Provisioning", operation: operation.id });
  const [revision] = resource.revisions;
  expect(revision).toMatch(/^mesh-1-32-[a-z2-7]{5}$/);
  expect(tenant.wakes.at(-1)).toEqual({ kind: "revision", id: revision });

  const { items } = await listRevisions(tenant, { controlPlane: "mesh", limit: 50 });
  expect(items.map((item) => revisionSchema.parse(item))).toEqual(items);
  expect(items).toMatchObject([{ id: revision, hostname: `${revision}.mesh.test`, phase: "Provisioning" }]);
  const host = items[0]?.placement.istiodCluster ?? "";
  const work = await ground().owner.workItem.findMany({ where: { objectId: revision ?? "" } });
  expect(work).toMatchObject([{ kind: "revision", shard: host, wakes: 1n }]);
  expect(work[0]?.nextReconcileAt.getTime()).toBeLessThanOrEqual(Date.now() + 1000);
  const row = await ground().owner.istiodCluster.findUniqueOrThrow({ where: { name: host } });
  expect(row.reservedSlots).toBeGreaterThan(0);
  expect(row.reservedCpuMilli).toBeGreaterThanOrEqual(100);
  expect(row.reservedMemoryMib).toBeGreaterThanOrEqual(256);
  expect(await ground().owner.auditEntry.findMany({ where: { objectId: resource.id } })).toMatchObject([
    { verb: "createControlPlane", actor: `key:${tenant.actor.principal.id}`, requestId: tenant.actor.requestId },
  ]);
  expect(await getOperation(tenant, { id: operation.id })).toEqual(operation);
  expect((await listOperations(tenant, { limit: 1 })).items).toEqual([operation]);
  expect(istiod).toBeTruthy();
});

test("what can't be ordered is refused with the field's name", async () => {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  await makeIstiodCluster(ground());
  const refuse = async (body: Parameters<typeof createControlPlane>[1]) => {
    const { code, parameter } = await catchRefusal(createControlPlane(tenant, body));
    return { code, parameter };
  };
  const named = { name: "mesh", cluster: "shop", replicas: 1 };
  expect(await refuse({ ...order, cluster: "none" })).toEqual({ code: "UnknownReference", parameter: "cluster" });
  expect(await refuse({ ...order, line: "1.99" })).toEqual({ code: "UnknownReference", parameter: "line" });
  expect(await refuse({ ...named, version: "1.99.0" })).toEqual({ code: "UnknownReference", parameter: "version" });
  await createControlPlane(tenant, order);
  expect(await refuse(order)).toEqual({ code: "AlreadyExists", parameter: "name" });
  const { owner } = ground();
  await owner.version.update({ where: { name: "1.32.0" }, data: { state: "withdrawn" } });
  expect(await refuse({ ...named, name: "other", version: "1.32.0" })).toEqual({
    code: "VersionNotAvailable",
    parameter: "version",
  });
  await owner.version.update({ where: { name: "1.32.0" }, data: { state: "available" } });
  await owner.meshCluster.updateMany({ where: { tenantId: tenant.actor.tenantId ?? "" }, data: { clusterUid: null } });
  expect(await refuse({ ...order, name: "other" })).toEqual({ code: "ClusterNotConnected", parameter: "cluster" });
  await owner.meshCluster.updateMany({
    where: { tenantId: tenant.actor.tenantId ?? "" },
    data: { deletionRequestedAt: new Date() },
  });
  expect(await refuse({ ...order, name: "other" })).toEqual({ code: "BeingDeleted", parameter: "cluster" });
  expect(await refuse({ ...order, line: "1.22" })).toMatchObject({ code: "BeingDeleted" });
});

test("without a place, every istiod cluster has its reason", async () => {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  const full = await makeIstiodCluster(ground(), { line: "1.22", capacity: { slots: 0, cpuMilli: 0, memoryMib: 0 } });
  const refusal = await catchRefusal(createControlPlane(tenant, { ...order, line: "1.22" }));
  expect(refusal.code).toBe("NoPlacement");
  const rejected = refusal.details?.["rejected"];
  expect(rejected).toContainEqual({ istiodCluster: full, reason: "NoFreeSlot", message: "All its 0 slots are taken." });
  expect(rejected).toHaveLength(await ground().owner.istiodCluster.count());
  const preview = await previewPlacement(withRole(tenant, "viewer"), { cluster: "shop", line: "1.22", replicas: 1 });
  expect(preview.placement).toEqual({ istiodCluster: null, candidates: [], rejected });
});

test("replicas are changed, with what is reserved; nothing else is", async () => {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  await makeIstiodCluster(ground());
  const { body } = await createControlPlane(tenant, order);
  const change = (replicas: number, ifMatch: string | undefined = '"1"') =>
    changeControlPlane(tenant, { name: "mesh", ifMatch, body: { replicas } });
  expect((await catchRefusal(change(2))).code).toBe("OperationInProgress");
  await finishOperation(ground(), body.operation.id);
  expect((await catchRefusal(changeControlPlane(tenant, { name: "mesh", body: { replicas: 2 } }))).code).toBe(
    "PreconditionRequired",
  );
  expect((await catchRefusal(change(2, '"7"'))).code).toBe("PreconditionFailed");
  expect(await change(1)).toMatchObject({ status: 200, etag: '"1"', body: { replicas: 1, generation: 1 } });
  expect(
    (await catchRefusal(changeControlPlane(tenant, { name: "mesh", ifMatch: "*", body: { version: "1.32.0" } }))).code,
  ).toBe("VersionChangeUnsupported");
  const answer = await change(3);
  expect(answer).toMatchObject({ status: 202, body: { resource: { replicas: 3, generation: 2 } } });
  const revision = await ground().owner.revision.findUniqueOrThrow({ where: { id: body.resource.revisions[0] ?? "" } });
  expect(revision).toMatchObject({ replicas: 3, generation: 2, cpuMilli: 150, memoryMib: 384 });
  const host = await ground().owner.istiodCluster.findUniqueOrThrow({ where: { name: revision.istiodClusterName } });
  const hosted = await ground().owner.revision.findMany({ where: { istiodClusterName: host.name } });
  const sum = (field: "cpuMilli" | "memoryMib"): number => hosted.reduce((total, row) => total + row[field], 0);
  const reserved = [host.reservedSlots, host.reservedCpuMilli, host.reservedMemoryMib];
  expect(reserved).toEqual([hosted.length, sum("cpuMilli"), sum("memoryMib")]);
  expect((await catchRefusal(change(2, '"1"'))).code).toBe("PreconditionFailed");
  expect((await catchRefusal(changeControlPlane(tenant, { name: "none", ifMatch: "*", body: {} }))).code).toBe(
    "NotFound",
  );
});

test("where an istiod cluster's edge moves, the revisions there are due at once", async () => {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  const istiodCluster = await makeIstiodCluster(ground());
  const { body } = await createControlPlane(tenant, order);
  const revision = body.resource.revisions[0] ?? "";
  await ground().owner.revision.update({ where: { id: revision }, data: { istiodClusterName: istiodCluster } });
  const rest = { kind_objectId: { kind: "revision", objectId: revision } };
  const isDue = async (): Promise<boolean> =>
    (await ground().owner.workItem.findUniqueOrThrow({ where: rest })).nextReconcileAt <= new Date();
  const inAnHour = new Date(Date.now() + 3_600_000);
  await ground().owner.workItem.update({ where: rest, data: { nextReconcileAt: inAnHour } });
  const change = (wanted: ChangeIstiodClusterBody) =>
    changeIstiodCluster(asPlatform(ground()), { name: istiodCluster, ifMatch: "*", body: wanted });
  await change({ schedulable: false });
  expect(await isDue()).toBe(false);
  await change({ edgeAddresses: ["192.0.2.77"] });
  expect(await isDue()).toBe(true);
});

test("more replicas than its istiod cluster has room for are refused", async () => {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  await ground().owner.istiodCluster.updateMany({ data: { schedulable: false } });
  const small = await makeIstiodCluster(ground(), { capacity: { slots: 1, cpuMilli: 100, memoryMib: 10_000 } });
  const { body } = await createControlPlane(tenant, order);
  await finishOperation(ground(), body.operation.id);
  const refusal = await catchRefusal(changeControlPlane(tenant, { name: "mesh", ifMatch: "*", body: { replicas: 3 } }));
  expect(refusal).toMatchObject({
    code: "NoPlacement",
    details: { rejected: [{ istiodCluster: small, reason: "NotEnoughCpu" }] },
  });
  expect(await changeControlPlane(tenant, { name: "mesh", ifMatch: "*", body: { replicas: 2 } })).toMatchObject({
    status: 202,
  });
  await ground().owner.istiodCluster.updateMany({ data: { schedulable: true } });
});

test("deleting takes the place of what was in progress, and happens once", async () => {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  await makeIstiodCluster(ground());
  const created = await createControlPlane(tenant, order);
  expect((await catchRefusal(deleteControlPlane(tenant, { name: "mesh", ifMatch: '"9"' }))).code).toBe(
    "PreconditionFailed",
  );
  const answer = await deleteControlPlane(tenant, { name: "mesh", ifMatch: '"1"' });
  expect(answer).toMatchObject({
    status: 202,
    body: { resource: { phase: "Deleting", generation: 2, operation: answer.body.operation.id } },
  });
  expect(await getOperation(tenant, { id: created.body.operation.id })).toMatchObject({
    state: "superseded",
    reason: "Superseded",
  });
  const [id = ""] = created.body.resource.revisions;
  const revision = await ground().owner.revision.findUniqueOrThrow({ where: { id } });
  const waitMs = (revision.giveUpAt?.getTime() ?? 0) - (revision.deletionRequestedAt?.getTime() ?? 0);
  expect(waitMs).toBe(15 * 60_000);
  expect(tenant.wakes.at(-1)).toEqual({ kind: "revision", id });
  expect((await ground().owner.workItem.findMany({ where: { objectId: id } }))[0]?.wakes).toBe(2n);
  const { items: events } = await listEvents(tenant, { limit: 4 });
  expect(events.map(({ type }) => type)).toEqual([
    "control-plane.deleting",
    "operation.created",
    "operation.superseded",
    "control-plane.created",
  ]);
  expect((await catchRefusal(deleteControlPlane(tenant, { name: "mesh" }))).code).toBe("BeingDeleted");
  expect(
    (await catchRefusal(changeControlPlane(tenant, { name: "mesh", ifMatch: "*", body: { replicas: 2 } }))).code,
  ).toBe("BeingDeleted");
  expect((await catchRefusal(deleteControlPlane(tenant, { name: "none" }))).code).toBe("NotFound");
});

test("roles and tenants are kept apart", async () => {
  const [one, other] = [await makeTenant(ground()), await makeTenant(ground())];
  await makeConnectedCluster(ground(), one);
  await makeIstiodCluster(ground());
  const { body } = await createControlPlane(withRole(one, "operator"), order);
  expect((await catchRefusal(createControlPlane(withRole(one, "viewer"), order))).code).toBe("Forbidden");
  expect((await catchRefusal(deleteControlPlane(withRole(one, "viewer"), { name: "mesh" }))).code).toBe("Forbidden");
  expect(await getControlPlane(withRole(one, "viewer"), { name: "mesh" })).toMatchObject({ id: body.resource.id });
  for (const stranger of [other, asPlatform(ground())]) {
    expect((await catchRefusal(getControlPlane(stranger, { name: "mesh" }))).code).toBe("NotFound");
    expect((await catchRefusal(deleteControlPlane(stranger, { name: "mesh" }))).code).toBe("NotFound");
    expect((await catchRefusal(getOperation(stranger, { id: body.operation.id }))).code).toBe("NotFound");
    expect((await catchRefusal(listRevisions(stranger, { controlPlane: "mesh", limit: 1 }))).code).toBe("NotFound");
  }
  expect((await listControlPlanes(other, { limit: 50 })).items).toEqual([]);
});

test("the longest names there are make a revision's id that the database takes", async () => {
  const [platform, tenant] = [asPlatform(ground()), await makeTenant(ground())];
  const line = `1.${"2".repeat(10)}`;
  await createVersionLine(platform, { name: line, state: "supported" });
  const charts = { base: "charts/base", istiod: "charts/istiod" };
  const image = { hub: "hub", tag: "x", pullPolicy: "Always" } as const;
  await createVersion(platform, { name: `${line}.0`, line, state: "available", charts, image });
  await makeConnectedCluster(ground(), tenant);
  await makeIstiodCluster(ground(), { line });
  const { body } = await createControlPlane(tenant, { ...order, name: "p".repeat(30), line });
  expect(body.resource.revisions[0]?.length).toBe(49);
});

test("lists go on where a page ended, and refuse cursors of their own making", async () => {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  await makeIstiodCluster(ground());
  for (const name of ["c", "a", "e", "b", "d"]) await createControlPlane(tenant, { ...order, name });
  const read = async (list: typeof listControlPlanes | typeof listOperations): Promise<string[]> => {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list(tenant, { limit: 2, cursor });
      found.push(...page.items.map((item) => ("name" in item ? item.name : item.object.name)));
      expect(page.items.length).toBeLessThanOrEqual(2);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return found;
  };
  expect(await read(listControlPlanes)).toEqual(["a", "b", "c", "d", "e"]);
  const named = await listControlPlanes(tenant, { limit: 2, names: ["e", "b", "gone", "a"] });
  expect(named.items.map(({ name }) => name)).toEqual(["a", "b"]);
  const rest = await listControlPlanes(tenant, { limit: 2, names: ["e", "b", "a"], cursor: named.nextCursor ?? "" });
  expect(rest.items.map(({ name }) => name)).toEqual(["e"]);
  expect(await read(listOperations)).toEqual(["d", "b", "e", "a", "c", "shop"]);
  for (const cursor of [
    "x",
    "bnVsbA",
    Buffer.from('{"a":1}').toString("base64url"),
    Buffer.from('"\\u0000"').toString("base64url"),
  ]) {
    expect((await catchRefusal(listControlPlanes(tenant, { limit: 2, cursor }))).code).toBe("InvalidCursor");
    expect((await catchRefusal(listOperations(tenant, { limit: 2, cursor }))).code).toBe("InvalidCursor");
  }
  // The database's calendar has no year 0.
  const noMoment = Buffer.from('["0000-01-01T00:00:00Z","01980000-0000-7000-8000-000000000000"]').toString("base64url");
  const lists = [
    listOperations(tenant, { limit: 2, cursor: noMoment }),
    listApiKeys(tenant, { limit: 2, cursor: noMoment }),
    listRevisions(tenant, { controlPlane: "a", limit: 2, cursor: noMoment }),
  ];
  const refusals = await Promise.all(lists.map(catchRefusal));
  expect(refusals.map(({ code }) => code)).toEqual(lists.map(() => "InvalidCursor"));
});
