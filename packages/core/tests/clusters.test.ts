import { clusterSchema } from "@pilothouse/contract";
import { expect, test } from "vitest";
import {
  changeVersion,
  changeVersionLine,
  connectCluster,
  createControlPlane,
  disconnectCluster,
  getCluster,
  listClusters,
  listEvents,
  loadCluster,
  openSecret,
  retryConnection,
} from "../src/index.ts";
import {
  asPlatform,
  catchRefusal,
  finishOperation,
  makeConnectedCluster,
  makeIstiodCluster,
  makeSecret,
  makeTenant,
  useGround,
  withRole,
} from "./support/fixture.ts";

const ground = useGround();
const body = { name: "shop", kind: "gardener", seed: "seed-eu-1", kubeconfig: "kubeconfig" } as const;

test("a cluster is connected: its kubeconfig is sealed for the worker, and for nobody else", async () => {
  const tenant = await makeTenant(ground());
  const kubeconfig = makeSecret();
  const answer = await connectCluster(tenant, { ...body, kubeconfig });
  const { resource, operation } = answer.body;
  expect(clusterSchema.parse(resource)).toEqual(resource);
  expect(answer).toMatchObject({ status: 202, body: { resource: { phase: "Connecting", operation: operation.id } } });
  expect(tenant.wakes).toEqual([{ kind: "cluster", id: resource.id }]);
  expect(JSON.stringify(answer)).not.toContain(kubeconfig);
  const { owner, sealingKey } = ground();
  const [sealed, ...others] = await owner.sealedSecret.findMany({ where: { objectId: resource.id } });
  if (sealed === undefined) throw new Error("nothing was sealed");
  expect(others).toEqual([]);
  expect((sealed.expiresAt?.getTime() ?? 0) - sealed.createdAt.getTime()).toBeLessThanOrEqual(15 * 60_000 + 1000);
  const binding = {
    id: sealed.id,
    tenantId: tenant.actor.tenantId,
    purpose: "connect-kubeconfig",
    objectKind: "cluster",
    objectId: resource.id,
  } as const;
  expect(await openSecret(sealingKey.privateKey, binding, sealed.ciphertext)).toBe(kubeconfig);
  await expect(openSecret(sealingKey.privateKey, { ...binding, objectId: "x" }, sealed.ciphertext)).rejects.toThrow(
    "can't be opened",
  );
  const audit = await owner.auditEntry.findMany({ where: { objectId: resource.id } });
  expect(audit).toMatchObject([{ verb: "connectCluster", details: { name: "shop", kind: "gardener" } }]);
  expect(JSON.stringify(audit)).not.toContain(kubeconfig);
  expect((await listEvents(tenant, { limit: 5 })).items).toMatchObject([
    { type: "operation.created", object: { kind: "operation", id: operation.id, name: "cluster.connect" } },
    { type: "cluster.created", object: { kind: "cluster", id: resource.id, name: "shop" } },
  ]);
});

test("what can't be connected is refused", async () => {
  const tenant = await makeTenant(ground());
  await connectCluster(tenant, body);
  expect(await catchRefusal(connectCluster(tenant, body))).toMatchObject({ code: "AlreadyExists", parameter: "name" });
  expect(await catchRefusal(connectCluster(tenant, { ...body, name: "pay", seed: "none" }))).toMatchObject({
    code: "UnknownReference",
    parameter: "seed",
  });
  expect((await catchRefusal(connectCluster(withRole(tenant, "viewer"), body))).code).toBe("Forbidden");
  expect((await catchRefusal(connectCluster(asPlatform(ground()), body))).code).toBe("NotFound");
  const { owner, sealingKey } = ground();
  await owner.sealingKey.update({ where: { id: sealingKey.id }, data: { retiredAt: new Date() } });
  expect((await catchRefusal(connectCluster(tenant, { ...body, name: "pay" }))).code).toBe("NoWorker");
  await owner.sealingKey.update({ where: { id: sealingKey.id }, data: { retiredAt: null } });
  expect((await listClusters(tenant, { limit: 5 })).items.map(({ name }) => name)).toEqual(["shop"]);
});

test("a connection is tried again once the one before has ended", async () => {
  const tenant = await makeTenant(ground());
  const first = await connectCluster(tenant, body);
  const retry = () => retryConnection(tenant, { name: "shop", body: { kubeconfig: "other" } });
  expect(await catchRefusal(retry())).toMatchObject({
    code: "OperationInProgress",
    details: { operation: first.body.operation.id },
  });
  await finishOperation(ground(), first.body.operation.id);
  expect(await getCluster(tenant, { name: "shop" })).toMatchObject({ phase: "ConnectFailed", operation: null });
  expect(await retry()).toMatchObject({ status: 202, body: { resource: { phase: "Connecting", generation: 2 } } });
  expect((await catchRefusal(retryConnection(tenant, { name: "none", body: { kubeconfig: "x" } }))).code).toBe(
    "NotFound",
  );
  expect(await ground().owner.sealedSecret.count({ where: { objectId: first.body.resource.id } })).toBe(2);
});

test("a connection that is repaired keeps the rights of what runs, also of versions that can't be ordered any more", async () => {
  const tenant = await makeTenant(ground());
  const [id, other] = [
    await makeConnectedCluster(ground(), tenant, "shop"),
    await makeConnectedCluster(ground(), tenant, "other"),
  ];
  for (const line of ["1.22", "1.32"]) await makeIstiodCluster(ground(), { line });
  await createControlPlane(tenant, { name: "old", cluster: "shop", line: "1.22", replicas: 1 });
  await createControlPlane(tenant, { name: "young", cluster: "shop", version: "1.32.0", replicas: 1 });
  const platform = asPlatform(ground());
  const listVersionsOf = async (cluster: string) =>
    (await loadCluster(ground().worker, cluster))?.versions.map(({ version }) => version);
  await changeVersionLine(platform, { name: "1.22", ifMatch: "*", body: { state: "retired" } });
  await changeVersion(platform, { name: "1.32.0", ifMatch: "*", body: { state: "withdrawn" } });
  expect(await listVersionsOf(id)).toEqual(["1.22-dev", "1.32.0", "1.32.1"]);
  expect(await listVersionsOf(other)).toEqual(["1.32.1"]);
  await changeVersionLine(platform, { name: "1.22", ifMatch: "*", body: { state: "supported" } });
  await changeVersion(platform, { name: "1.32.0", ifMatch: "*", body: { state: "available" } });
});

test("a cluster is disconnected when nothing needs it", async () => {
  const tenant = await makeTenant(ground());
  await makeIstiodCluster(ground());
  const connecting = await connectCluster(tenant, { ...body, name: "pay" });
  expect((await catchRefusal(disconnectCluster(tenant, { name: "pay" }))).code).toBe("OperationInProgress");
  await finishOperation(ground(), connecting.body.operation.id);
  await makeConnectedCluster(ground(), tenant, "shop");
  expect(await getCluster(tenant, { name: "shop" })).toMatchObject({ phase: "Connected" });
  await createControlPlane(tenant, { name: "mesh", cluster: "shop", line: "1.32", replicas: 1 });
  expect(await catchRefusal(disconnectCluster(tenant, { name: "shop" }))).toMatchObject({
    code: "InUse",
    details: { controlPlanes: ["mesh"] },
  });
  expect((await catchRefusal(disconnectCluster(tenant, { name: "pay", ifMatch: '"5"' }))).code).toBe(
    "PreconditionFailed",
  );
  const answer = await disconnectCluster(tenant, { name: "pay", ifMatch: '"1"' });
  expect(answer).toMatchObject({
    status: 202,
    body: { resource: { phase: "Disconnecting", generation: 2 }, operation: { kind: "cluster.disconnect" } },
  });
  expect((await catchRefusal(disconnectCluster(tenant, { name: "pay" }))).code).toBe("BeingDeleted");
  expect((await catchRefusal(retryConnection(tenant, { name: "pay", body: { kubeconfig: "x" } }))).code).toBe(
    "BeingDeleted",
  );
  expect((await catchRefusal(disconnectCluster(tenant, { name: "none" }))).code).toBe("NotFound");
});

test("the phase follows what the worker saw", async () => {
  const tenant = await makeTenant(ground());
  const id = await makeConnectedCluster(ground(), tenant);
  const see = async (status: string) => {
    await ground().owner.condition.upsert({
      where: { objectKind_objectId_type: { objectKind: "cluster", objectId: id, type: "Connected" } },
      create: {
        tenantId: tenant.actor.tenantId ?? "",
        objectKind: "cluster",
        objectId: id,
        type: "Connected",
        status,
        reason: "R",
        message: "m",
        observedGeneration: 1,
        lastTransitionAt: new Date(),
      },
      update: { status, lastKnown: { status: "True", reason: "R", message: "m", at: new Date().toISOString() } },
    });
    return getCluster(tenant, { name: "shop" });
  };
  expect((await see("True")).phase).toBe("Connected");
  expect((await see("False")).phase).toBe("Degraded");
  const unknown = await see("Unknown");
  expect(clusterSchema.parse(unknown)).toMatchObject({
    phase: "Unknown",
    conditions: [{ lastKnown: { status: "True" } }],
  });
});
