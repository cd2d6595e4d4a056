import {
  istiodClusterSchema,
  regionSchema,
  seedSchema,
  tenantSchema,
  versionLineSchema,
  versionSchema,
} from "@pilothouse/contract";
import { Client } from "pg";
import { expect, test } from "vitest";
import {
  changeIstiodCluster,
  changeRegion,
  changeSeed,
  changeTenant,
  changeVersion,
  changeVersionLine,
  createControlPlane,
  createIstiodCluster,
  createRegion,
  createSeed,
  createTenant,
  createVersion,
  createVersionLine,
  deleteIstiodCluster,
  deleteRegion,
  deleteSeed,
  deleteVersion,
  deleteVersionLine,
  eraseExpired,
  eraseExpiredSecrets,
  getIstiodCluster,
  getRegion,
  getSeed,
  getTenant,
  getVersion,
  getVersionLine,
  listIstiodClusters,
  listRegions,
  listSeeds,
  listTenants,
  listVersionLines,
  listVersions,
} from "../src/index.ts";
import {
  asPlatform,
  catchRefusal,
  makeConnectedCluster,
  makeIstiodCluster,
  makeName,
  makeTenant,
  useGround,
} from "./support/fixture.ts";

const ground = useGround();
const capacity = { slots: 10, cpuMilli: 10_000, memoryMib: 10_000 };
const istiod = {
  region: "eu-1",
  zones: ["a"],
  line: "1.32",
  edgeAddresses: ["192.0.2.1"],
  schedulable: true,
  capacity,
  kubeconfig: "k",
};
const charts = { base: "b", istiod: "i" };
const image = { hub: "h", tag: "t", pullPolicy: "Always" } as const;

/** Every kind with the same course of life. `change` differs from what is made. */
const kinds = [
  {
    kind: "regions",
    schema: regionSchema,
    name: () => makeName("region"),
    create: (name: string) => createRegion(asPlatform(ground()), { name, displayName: "R", latitude: 1 }),
    get: (name: string) => getRegion(asPlatform(ground()), { name }),
    list: (cursor?: string) => listRegions(asPlatform(ground()), { limit: 2, cursor }),
    same: (name: string, ifMatch?: string) =>
      changeRegion(asPlatform(ground()), { name, ifMatch, body: { displayName: "R" } }),
    change: (name: string, ifMatch?: string) =>
      changeRegion(asPlatform(ground()), { name, ifMatch, body: { latitude: null } }),
    remove: (name: string, ifMatch?: string) => deleteRegion(asPlatform(ground()), { name, ifMatch }),
  },
  {
    kind: "seeds",
    schema: seedSchema,
    name: () => makeName("seed"),
    create: (name: string) => createSeed(asPlatform(ground()), { name, region: "eu-1", zones: ["a"], provider: "p" }),
    get: (name: string) => getSeed(asPlatform(ground()), { name }),
    list: (cursor?: string) => listSeeds(asPlatform(ground()), { limit: 2, cursor }),
    same: (name: string, ifMatch?: string) =>
      changeSeed(asPlatform(ground()), { name, ifMatch, body: { zones: ["a"] } }),
    change: (name: string, ifMatch?: string) =>
      changeSeed(asPlatform(ground()), { name, ifMatch, body: { zones: ["b"] } }),
    remove: (name: string, ifMatch?: string) => deleteSeed(asPlatform(ground()), { name, ifMatch }),
  },
  {
    kind: "version-lines",
    schema: versionLineSchema,
    name: () => `1.${makeName("").slice(1)}00`,
    create: (name: string) =>
      createVersionLine(asPlatform(ground()), { name, state: "supported", endOfSupport: "2027-02-28" }),
    get: (name: string) => getVersionLine(asPlatform(ground()), { name }),
    list: (cursor?: string) => listVersionLines(asPlatform(ground()), { limit: 2, cursor }),
    same: (name: string, ifMatch?: string) =>
      changeVersionLine(asPlatform(ground()), { name, ifMatch, body: { endOfSupport: "2027-02-28" } }),
    change: (name: string, ifMatch?: string) =>
      changeVersionLine(asPlatform(ground()), { name, ifMatch, body: { state: "retired" } }),
    remove: (name: string, ifMatch?: string) => deleteVersionLine(asPlatform(ground()), { name, ifMatch }),
  },
  {
    kind: "versions",
    schema: versionSchema,
    name: () => `1.32.${makeName("").slice(1)}00`,
    create: (name: string) =>
      createVersion(asPlatform(ground()), { name, line: "1.32", state: "available", charts, image }),
    get: (name: string) => getVersion(asPlatform(ground()), { name }),
    list: (cursor?: string) => listVersions(asPlatform(ground()), { limit: 2, cursor }),
    same: (name: string, ifMatch?: string) => changeVersion(asPlatform(ground()), { name, ifMatch, body: {} }),
    change: (name: string, ifMatch?: string) =>
      changeVersion(asPlatform(ground()), { name, ifMatch, body: { state: "withdrawn" } }),
    remove: (name: string, ifMatch?: string) => deleteVersion(asPlatform(ground()), { name, ifMatch }),
  },
  {
    kind: "istiod-clusters",
    schema: istiodClusterSchema,
    name: () => makeName("istiod"),
    create: (name: string) => createIstiodCluster(asPlatform(ground()), { ...istiod, name }),
    get: (name: string) => getIstiodCluster(asPlatform(ground()), { name }),
    list: (cursor?: string) => listIstiodClusters(asPlatform(ground()), { limit: 2, cursor }),
    same: (name: string, ifMatch?: string) =>
      changeIstiodCluster(asPlatform(ground()), { name, ifMatch, body: { capacity } }),
    change: (name: string, ifMatch?: string) =>
      changeIstiodCluster(asPlatform(ground()), { name, ifMatch, body: { schedulable: false } }),
    remove: (name: string, ifMatch?: string) => deleteIstiodCluster(asPlatform(ground()), { name, ifMatch }),
  },
];

test.each(kinds)("$kind are made, read, listed, changed and deleted", async (kind) => {
  const name = kind.name();
  const made = await kind.create(name);
  expect(made).toMatchObject({ status: 201, etag: '"1"', location: `/api/v1/admin/${kind.kind}/${name}` });
  expect(kind.schema.parse(made.body)).toEqual(made.body);
  expect(await catchRefusal(kind.create(name))).toMatchObject({ code: "AlreadyExists", parameter: "name" });
  expect(await kind.get(name)).toEqual(made.body);
  await kind.create(kind.name());
  await kind.create(kind.name());
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await kind.list(cursor);
    names.push(...page.items.map((item) => item.name));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(names).toContain(name);
  expect(new Set(names).size).toBe(names.length);

  expect((await catchRefusal(kind.change(name))).code).toBe("PreconditionRequired");
  expect((await catchRefusal(kind.change(name, '"2"'))).code).toBe("PreconditionFailed");
  expect((await catchRefusal(kind.change(name, 'W/"1"'))).code).toBe("PreconditionFailed");
  expect(await kind.same(name, '"1"')).toMatchObject({ status: 200, etag: '"1"' });
  const changed = await kind.change(name, '"7", "1"');
  expect(changed).toMatchObject({ status: 200, etag: '"2"', body: { generation: 2 } });
  expect(changed.body).not.toEqual({ ...made.body, generation: 2 });
  expect((await catchRefusal(kind.remove(name, '"1"'))).code).toBe("PreconditionFailed");
  expect(await kind.remove(name, '"2"')).toMatchObject({ status: 204 });
  expect((await catchRefusal(kind.get(name))).code).toBe("NotFound");
  expect((await catchRefusal(kind.remove(name))).code).toBe("NotFound");
  expect((await catchRefusal(kind.change(name, "*"))).code).toBe("NotFound");
  const audit = await ground().owner.auditEntry.findMany({ where: { objectId: name }, orderBy: { at: "asc" } });
  expect(audit.map(({ verb }) => verb)).toEqual(["create", "change", "delete"]);
  expect(JSON.stringify(audit)).not.toContain("kubeconfig");
});

test("who is bound to no ETag is not refused for the changes of others at the same moment", async () => {
  const platform = asPlatform(ground());
  const names = [makeName("r"), makeName("r"), makeName("r"), makeName("r")] as const;
  const [deleted, gone, changed, bound] = names;
  for (const name of names) await createRegion(platform, { name, displayName: name });
  const client = new Client({ connectionString: ground().copy.migrator });
  await client.connect();
  await client.query("BEGIN");
  await client.query("UPDATE regions SET generation = generation + 1 WHERE name = ANY ($1)", [names]);
  await client.query("DELETE FROM regions WHERE name = $1", [gone]);
  const change = (name: string, ifMatch: string) =>
    changeRegion(platform, { name, ifMatch, body: { displayName: "new" } });
  const waiting = [
    deleteRegion(platform, { name: deleted }),
    catchRefusal(deleteRegion(platform, { name: gone })),
    change(changed, "*"),
    catchRefusal(change(bound, '"1"')),
  ];
  // Each has read its row, and waits for the lock on it.
  const countWaiting = async () =>
    (
      await ground().owner.$queryRaw<unknown[]>`
      SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    ).length;
  await expect.poll(countWaiting, { timeout: 10_000 }).toBe(waiting.length);
  await client.query("COMMIT");
  await client.end();
  expect(await Promise.all(waiting)).toMatchObject([
    { status: 204 },
    { code: "NotFound" },
    { status: 200, etag: '"3"' },
    { code: "PreconditionFailed", parameter: "If-Match" },
  ]);
});

test("what others depend on stays", async () => {
  const platform = asPlatform(ground());
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  const name = await makeIstiodCluster(ground(), { capacity });
  await ground().owner.istiodCluster.updateMany({ where: { name: { not: name } }, data: { schedulable: false } });
  await createControlPlane(tenant, { name: "mesh", cluster: "shop", version: "1.32.1", replicas: 2 });
  const removals = [
    deleteRegion(platform, { name: "eu-1" }),
    deleteSeed(platform, { name: "seed-eu-1" }),
    deleteVersionLine(platform, { name: "1.32" }),
    deleteVersion(platform, { name: "1.32.1" }),
    deleteIstiodCluster(platform, { name }),
  ];
  const refusals = await Promise.all(removals.map(catchRefusal));
  expect(refusals.map(({ code }) => code)).toEqual(removals.map(() => "InUse"));
  const shrink = (less: object) =>
    changeIstiodCluster(platform, { name, ifMatch: "*", body: { capacity: { ...capacity, ...less } } });
  expect(await catchRefusal(shrink({ slots: 0 }))).toMatchObject({ code: "InUse", parameter: "capacity" });
  expect(await catchRefusal(shrink({ memoryMib: 255 }))).toMatchObject({ code: "InUse", parameter: "capacity" });
  expect(await shrink({ slots: 1, memoryMib: 256, cpuMilli: 100 })).toMatchObject({
    body: { reserved: { slots: 1, cpuMilli: 100, memoryMib: 256 } },
  });
});

test("what is named must exist, and fit", async () => {
  const platform = asPlatform(ground());
  const version = { state: "available", charts, image } as const;
  expect(
    await catchRefusal(createSeed(platform, { name: "x", region: "none", zones: [], provider: "p" })),
  ).toMatchObject({
    code: "UnknownReference",
    parameter: "region",
  });
  expect(await catchRefusal(createIstiodCluster(platform, { ...istiod, name: "x", region: "none" }))).toMatchObject({
    code: "UnknownReference",
    parameter: "region",
  });
  expect(await catchRefusal(createIstiodCluster(platform, { ...istiod, name: "x", line: "1.99" }))).toMatchObject({
    code: "UnknownReference",
    parameter: "line",
  });
  expect(await catchRefusal(createVersion(platform, { ...version, name: "1.99.0", line: "1.99" }))).toMatchObject({
    code: "UnknownReference",
    parameter: "line",
  });
  expect(await catchRefusal(createVersion(platform, { ...version, name: "1.320.0", line: "1.32" }))).toMatchObject({
    code: "InvalidField",
    parameter: "name",
  });
});

test("an istiod cluster's kubeconfig is sealed, and replaced by a newer one; what is superseded is erased", async () => {
  const name = await makeIstiodCluster(ground());
  const list = () => ground().owner.sealedSecret.findMany({ where: { objectId: name }, orderBy: { createdAt: "asc" } });
  const [first] = await list();
  const answer = await changeIstiodCluster(asPlatform(ground()), {
    name,
    ifMatch: '"1"',
    body: { kubeconfig: "newer" },
  });
  expect(answer).toMatchObject({ status: 200, etag: '"2"' });
  const both = await list();
  expect(both).toMatchObject([
    { id: first?.id, purpose: "istiod-cluster-access", tenantId: null, expiresAt: null },
    { purpose: "istiod-cluster-access", tenantId: null, expiresAt: null },
  ]);
  await eraseExpired(ground().worker);
  expect(await list()).toEqual(both.slice(1));
  await deleteIstiodCluster(asPlatform(ground()), { name, ifMatch: "*" });
  await eraseExpired(ground().worker);
  expect(await list()).toEqual([]);
});

test("the web process erases what is past its time, and nothing else of what is sealed", async () => {
  const name = await makeIstiodCluster(ground());
  const expired = await ground().owner.sealedSecret.updateMany({
    where: { objectId: name },
    data: { expiresAt: new Date(Date.now() - 1_000) },
  });
  const other = await makeIstiodCluster(ground());
  expect(expired.count).toBe(1);
  await expect(ground().web.$executeRaw`DELETE FROM sealed_secrets WHERE object_id = ${name}`).rejects.toThrow(
    /permission denied/,
  );
  expect(await eraseExpiredSecrets(ground().web)).toBeGreaterThanOrEqual(1);
  const left = await ground().owner.sealedSecret.findMany({ where: { objectId: { in: [name, other] } } });
  expect(left.map(({ objectId }) => objectId)).toEqual([other]);
});

test("tenants are the platform's to make", async () => {
  const platform = asPlatform(ground());
  const name = makeName("tenant");
  const made = await createTenant(platform, { name, displayName: "T" });
  expect(tenantSchema.parse(made.body)).toEqual(made.body);
  expect(await getTenant(platform, { name })).toEqual(made.body);
  expect(await changeTenant(platform, { name, ifMatch: '"1"', body: { displayName: "U" } })).toMatchObject({
    etag: '"2"',
  });
  expect((await catchRefusal(changeTenant(platform, { name, ifMatch: '"1"', body: { displayName: "V" } }))).code).toBe(
    "PreconditionFailed",
  );
  expect((await catchRefusal(getTenant(platform, { name: "none" }))).code).toBe("NotFound");
  expect((await listTenants(platform, { limit: 100 })).items.map((item) => item.name)).toContain(name);
  const tenant = await makeTenant(ground());
  const verbs = [
    listTenants(tenant, { limit: 1 }),
    createTenant(tenant, { name: "x", displayName: "X" }),
    changeTenant(tenant, { name, body: {} }),
    listRegions(tenant, { limit: 1 }),
    getVersion(tenant, { name: "1.32.1" }),
    createRegion(tenant, { name: "x", displayName: "X" }),
    deleteRegion(tenant, { name: "eu-1" }),
  ];
  const refusals = await Promise.all(verbs.map(catchRefusal));
  expect(refusals.map(({ code }) => code)).toEqual(verbs.map(() => "Forbidden"));
});
