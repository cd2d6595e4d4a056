import { randomUUID } from "node:crypto";
import { allOperations } from "@pilothouse/contract";
import { expect, test } from "vitest";
import { z } from "zod";
import * as core from "../src/index.ts";
import {
  asPlatform,
  catchRefusal,
  finishOperation,
  makeConnectedCluster,
  makeIstiodCluster,
  makeName,
  makeSecret,
  makeTenant,
  type TestContext,
  useGround,
  withKey,
} from "./support/fixture.ts";

const ground = useGround();
const kubeconfig = makeSecret();
const [region, seed, line, istiodCluster, controlPlane] = ["r", "s", "3.1", "i", "p"];
const version = `${line}.0`;

type Change = (context: TestContext) => Promise<{ body: unknown }>;

const makeInvited = () => ({ email: `${makeName("m")}@example.org`, displayName: "M" });

/** What people do with accounts of their own: `people.test.ts` and `members.test.ts` see what is kept of it. */
const own = new Set(["acceptInvitation", "joinTenant", "changePassword", "revokeSession"]);

/** A change of each kind, in an order in which each can be made: those of the platform, and those of a tenant. */
const platformChanges = (tenant: string, keyId: () => string): Record<string, Change> => ({
  createTenant: (by) => core.createTenant(by, { name: makeName("t"), displayName: "T" }),
  changeTenant: (by) => core.changeTenant(by, { name: tenant, ifMatch: "*", body: { displayName: "other" } }),
  createTenantApiKey: (by) => core.createTenantApiKey(by, { tenant, body: { name: "k", role: "viewer" } }),
  addTenantMember: (by) => core.addTenantMember(by, { tenant, body: { ...makeInvited(), role: "viewer" } }),
  createUser: (by) => core.createUser(by, { ...makeInvited(), isOperator: true }),
  createPlatformKey: (by) => core.createPlatformKey(by, { name: "k" }),
  revokePlatformKey: (by) => core.revokePlatformKey(by, { id: keyId() }),
  createRegion: (by) => core.createRegion(by, { name: region, displayName: "R" }),
  changeRegion: (by) => core.changeRegion(by, { name: region, ifMatch: "*", body: { latitude: 1 } }),
  createSeed: (by) => core.createSeed(by, { name: seed, region, zones: [], provider: "x" }),
  changeSeed: (by) => core.changeSeed(by, { name: seed, ifMatch: "*", body: { zones: ["a"] } }),
  createVersionLine: (by) => core.createVersionLine(by, { name: line, state: "supported" }),
  changeVersionLine: (by) =>
    core.changeVersionLine(by, { name: line, ifMatch: "*", body: { endOfSupport: "2030-01-01" } }),
  createVersion: (by) =>
    core.createVersion(by, {
      name: version,
      line,
      state: "withdrawn",
      charts: { base: "b", istiod: "i" },
      image: { hub: "h", tag: "t", pullPolicy: "Always" },
    }),
  changeVersion: (by) => core.changeVersion(by, { name: version, ifMatch: "*", body: { state: "available" } }),
  createIstiodCluster: (by) =>
    core.createIstiodCluster(by, {
      name: istiodCluster,
      region,
      zones: [],
      line,
      edgeAddresses: ["192.0.2.1"],
      schedulable: false,
      capacity: { slots: 1, cpuMilli: 1_000, memoryMib: 1_000 },
      kubeconfig,
    }),
  changeIstiodCluster: (by) =>
    core.changeIstiodCluster(by, { name: istiodCluster, ifMatch: "*", body: { kubeconfig } }),
  deleteIstiodCluster: (by) => core.deleteIstiodCluster(by, { name: istiodCluster }),
  deleteVersion: (by) => core.deleteVersion(by, { name: version }),
  deleteVersionLine: (by) => core.deleteVersionLine(by, { name: line }),
  deleteSeed: (by) => core.deleteSeed(by, { name: seed }),
  deleteRegion: (by) => core.deleteRegion(by, { name: region }),
});

const tenantChanges = (keyId: () => string, member: () => string): Record<string, Change> => ({
  addMember: (by) => core.addMember(by, { ...makeInvited(), role: "viewer" }),
  changeMember: (by) => core.changeMember(by, { id: member(), ifMatch: "*", body: { role: "admin" } }),
  removeMember: (by) => core.removeMember(by, { id: member() }),
  connectCluster: (by) => core.connectCluster(by, { name: "other", kind: "standalone", kubeconfig }),
  retryConnection: (by) => core.retryConnection(by, { name: "other", body: { kubeconfig } }),
  disconnectCluster: (by) => core.disconnectCluster(by, { name: "other" }),
  createControlPlane: (by) =>
    core.createControlPlane(by, { name: controlPlane, cluster: "shop", line: "1.32", replicas: 1 }),
  changeControlPlane: (by) => core.changeControlPlane(by, { name: controlPlane, ifMatch: "*", body: { replicas: 2 } }),
  deleteControlPlane: (by) => core.deleteControlPlane(by, { name: controlPlane }),
  createApiKey: (by) => core.createApiKey(by, { name: "k", role: "viewer" }),
  revokeApiKey: (by) => core.revokeApiKey(by, { id: keyId() }),
});

/** Makes a change as a request of its own, and reads what was recorded of it. */
async function record(context: TestContext, change: Change) {
  const by = { ...context, actor: { ...context.actor, requestId: randomUUID() } };
  const { body } = await change(by);
  const { data: begun } = z.looseObject({ operation: z.looseObject({ id: z.string() }) }).safeParse(body);
  if (begun !== undefined) await finishOperation(ground(), begun.operation.id);
  return { body, entries: await ground().owner.auditEntry.findMany({ where: { requestId: by.actor.requestId } }) };
}

test("every change that a request can make leaves one entry: who, in which tenant, what, and under which request", async () => {
  const [platform, tenant] = [asPlatform(ground()), await makeTenant(ground())];
  await makeConnectedCluster(ground(), tenant);
  await makeIstiodCluster(ground());
  let keyId = "";
  let member = "";
  const changes = [
    { context: platform, made: platformChanges(tenant.actor.tenantName ?? "", () => keyId) },
    {
      context: tenant,
      made: tenantChanges(
        () => keyId,
        () => member,
      ),
    },
  ].flatMap(({ context, made }) => Object.entries(made).map(([id, change]) => ({ context, id, change })));
  const expected = allOperations.filter(
    ({ method, id }) => method !== "GET" && id !== "previewPlacement" && !own.has(id),
  );
  expect(changes.map(({ id }) => id).toSorted()).toEqual(expected.map(({ id }) => id).toSorted());
  for (const { context, id, change } of changes) {
    const { body, entries } = await record(context, change);
    if (/^create.*Key$/.test(id)) keyId = String(Reflect.get(Object(body), "id"));
    if (id === "addMember") member = String(Reflect.get(Object(body), "id"));
    const tenantId = ["createTenantApiKey", "addTenantMember"].includes(id)
      ? tenant.actor.tenantId
      : context.actor.tenantId;
    expect([id, entries]).toMatchObject([id, [{ tenantId, actor: `key:${context.actor.principal.id}` }]]);
    expect(JSON.stringify(entries)).not.toContain(kubeconfig);
  }
});

test("what is refused, repeated, or so already leaves none", async () => {
  const platform = withKey(asPlatform(ground()), "key", "create a region");
  const name = makeName("region");
  const create: Change = (by) => core.createRegion(by, { name, displayName: "R" });
  expect((await record(platform, create)).entries).toHaveLength(1);
  expect((await record(platform, create)).entries).toEqual([]);
  const { idempotency: _, ...unkeyed } = platform;
  const again = { ...unkeyed, actor: { ...platform.actor, requestId: randomUUID() } };
  await catchRefusal(create(again));
  expect(await ground().owner.auditEntry.count({ where: { requestId: again.actor.requestId } })).toBe(0);
  const same: Change = (by) => core.changeRegion(by, { name, ifMatch: "*", body: { displayName: "R" } });
  expect((await record(unkeyed, same)).entries).toEqual([]);
});
