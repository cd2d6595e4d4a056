import type { ChangeTenantBody } from "@pilothouse/contract";
import { expect, test } from "vitest";
import {
  changeTenant,
  connectCluster,
  createApiKey,
  createControlPlane,
  createTenantApiKey,
  getTenant,
  listTenants,
  revokeApiKey,
} from "../src/index.ts";
import {
  asPlatform,
  catchRefusal,
  makeConnectedCluster,
  makeIstiodCluster,
  makeTenant,
  type TestContext,
  useGround,
} from "./support/fixture.ts";

const ground = useGround();
const nameOf = (tenant: TestContext): string => tenant.actor.tenantName ?? "";
const limit = (tenant: TestContext, limits: ChangeTenantBody["limits"]) =>
  changeTenant(asPlatform(ground()), { name: nameOf(tenant), ifMatch: "*", body: { limits } });
const read = (tenant: TestContext) => getTenant(asPlatform(ground()), { name: nameOf(tenant) });
const connect = (tenant: TestContext, name: string) =>
  connectCluster(tenant, { name, kind: "standalone", kubeconfig: "k" });
const order = (tenant: TestContext, name: string) =>
  createControlPlane(tenant, { name, cluster: "shop", line: "1.32", replicas: 1 });

test("a tenant has the provider's limits until the platform sets others, and the platform sees what is used", async () => {
  await makeIstiodCluster(ground());
  const tenant = await makeTenant(ground());
  const fresh = await read(tenant);
  expect(fresh.used).toEqual({ clusters: 0, controlPlanes: 0, revisions: 0, apiKeys: 0 });
  expect(Math.min(...Object.values(fresh.limits))).toBeGreaterThan(0);
  const changed = await limit(tenant, { clusters: 2, apiKeys: 3 });
  expect(changed).toMatchObject({ etag: '"2"', body: { limits: { ...fresh.limits, clusters: 2, apiKeys: 3 } } });
  expect((await limit(tenant, { clusters: 2 })).etag).toBe('"2"');
  await makeConnectedCluster(ground(), tenant);
  await order(tenant, "mesh");
  const over = await createApiKey(tenant, { name: "over", role: "viewer" });
  await ground().owner.apiKey.update({
    where: { id: over.body.id },
    data: { expiresAt: new Date(Date.now() - 1_000) },
  });
  const revoked = await createApiKey(tenant, { name: "revoked", role: "viewer" });
  await revokeApiKey(tenant, { id: revoked.body.id });
  await createApiKey(tenant, { name: "valid", role: "viewer" });
  const used = { clusters: 1, controlPlanes: 1, revisions: 1, apiKeys: 1 };
  expect((await read(tenant)).used).toEqual(used);
  const { items } = await listTenants(asPlatform(ground()), { limit: 100 });
  expect(items.find(({ name }) => name === nameOf(tenant))?.used).toEqual(used);
  expect((await limit(tenant, { clusters: null, apiKeys: null })).body.limits).toEqual(fresh.limits);
});

test("one more than it may have is refused, with limit and use, and what is there stays", async () => {
  await makeIstiodCluster(ground());
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  await order(tenant, "mesh");
  await createApiKey(tenant, { name: "first", role: "viewer" });
  await limit(tenant, { clusters: 1, controlPlanes: 1, revisions: 5, apiKeys: 0 });
  const refused = (quota: string, most: number) => ({
    code: "QuotaExceeded",
    parameter: "tenant",
    details: { quota, limit: most, used: 1 },
  });
  expect(await catchRefusal(connect(tenant, "pay"))).toMatchObject(refused("clusters", 1));
  expect((await catchRefusal(connect(tenant, "shop"))).code).toBe("AlreadyExists");
  expect(await catchRefusal(order(tenant, "other"))).toMatchObject(refused("controlPlanes", 1));
  expect((await catchRefusal(order(tenant, "mesh"))).code).toBe("AlreadyExists");
  const key = { name: "second", role: "viewer" } as const;
  expect(await catchRefusal(createApiKey(tenant, key))).toMatchObject(refused("apiKeys", 0));
  expect(
    await catchRefusal(createTenantApiKey(asPlatform(ground()), { tenant: nameOf(tenant), body: key })),
  ).toMatchObject(refused("apiKeys", 0));
  await limit(tenant, { clusters: 2, controlPlanes: 2, revisions: 1, apiKeys: 2 });
  expect(await catchRefusal(order(tenant, "other"))).toMatchObject(refused("revisions", 1));
  await limit(tenant, { revisions: 2 });
  expect((await connect(tenant, "pay")).status).toBe(202);
  expect((await order(tenant, "other")).status).toBe(202);
  expect((await createApiKey(tenant, key)).status).toBe(201);
  expect((await read(tenant)).used).toEqual({ clusters: 2, controlPlanes: 2, revisions: 2, apiKeys: 2 });
});

test("of many at once as many get in as may, and another tenant's do not count", async () => {
  await makeIstiodCluster(ground());
  const [tenant, other] = await Promise.all([makeTenant(ground()), makeTenant(ground())]);
  await Promise.all([makeConnectedCluster(ground(), tenant), makeConnectedCluster(ground(), other)]);
  await limit(tenant, { clusters: 4, controlPlanes: 3, revisions: 3, apiKeys: 3 });
  const makers = [
    (index: number) => connect(tenant, `c-${index}`),
    (index: number) => order(tenant, `p-${index}`),
    (index: number) => createApiKey(tenant, { name: `k-${index}`, role: "viewer" }),
  ];
  const attempts = makers.map((make) =>
    Promise.allSettled(Array.from({ length: 10 }, async (_, index): Promise<unknown> => make(index))),
  );
  await Promise.all(Array.from({ length: 5 }, (_, index) => order(other, `p-${index}`)));
  for (const results of await Promise.all(attempts)) {
    const reasons = results.flatMap((result): unknown[] => (result.status === "rejected" ? [result.reason] : []));
    expect(reasons).toHaveLength(7);
    for (const reason of reasons) expect(reason).toMatchObject({ code: "QuotaExceeded" });
  }
  expect((await read(tenant)).used).toEqual({ clusters: 4, controlPlanes: 3, revisions: 3, apiKeys: 3 });
});
