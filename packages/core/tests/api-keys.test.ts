import { apiKeySchema, newApiKeySchema } from "@pilothouse/contract";
import { expect, test } from "vitest";
import {
  authenticateApiKey,
  createApiKey,
  createPlatformKey,
  createTenantApiKey,
  ensurePlatformKey,
  listApiKeys,
  listPlatformKeys,
  revokeApiKey,
  revokePlatformKey,
} from "../src/index.ts";
import { asPlatform, catchRefusal, makeSecret, makeTenant, useGround, withRole } from "./support/fixture.ts";

const ground = useGround();

test("a key tells who comes, until it is revoked or over", async () => {
  const tenant = await makeTenant(ground());
  const { body, status } = await createApiKey(tenant, { name: "ci", role: "operator" });
  expect(status).toBe(201);
  expect(newApiKeySchema.parse(body)).toEqual(body);
  const key = body.key ?? "";
  expect(await authenticateApiKey(ground().web, key)).toEqual({
    principal: { kind: "key", id: body.id },
    tenantId: tenant.actor.tenantId,
    tenantName: tenant.actor.tenantName,
    role: "operator",
    expiresAt: null,
  });
  expect(await authenticateApiKey(ground().web, `${key}x`)).toBeUndefined();
  await ground().owner.apiKey.update({ where: { id: body.id }, data: { expiresAt: new Date(Date.now() - 1000) } });
  expect(await authenticateApiKey(ground().web, key)).toBeUndefined();
  await ground().owner.apiKey.update({ where: { id: body.id }, data: { expiresAt: null } });
  expect(await revokeApiKey(tenant, { id: body.id })).toEqual({ status: 204, body: undefined, replayed: false });
  expect(await authenticateApiKey(ground().web, key)).toBeUndefined();
  expect((await revokeApiKey(tenant, { id: body.id })).status).toBe(204);
  const { items } = await listApiKeys(tenant, { limit: 50 });
  expect(items.map((item) => apiKeySchema.parse(item))).toEqual(items);
  expect(items).toMatchObject([{ id: body.id, prefix: key.slice(0, 13) }]);
  expect(items[0]?.revokedAt).toMatch(/^20/);
});

test("nobody hands out or takes away more than they have", async () => {
  const owner = await makeTenant(ground());
  const admin = withRole(owner, "admin");
  expect(await catchRefusal(createApiKey(admin, { name: "x", role: "owner" }))).toMatchObject({
    code: "Forbidden",
    parameter: "role",
  });
  const high = await createApiKey(owner, { name: "x", role: "owner" });
  expect((await catchRefusal(revokeApiKey(admin, { id: high.body.id }))).code).toBe("Forbidden");
  expect((await catchRefusal(createApiKey(withRole(owner, "operator"), { name: "x", role: "viewer" }))).code).toBe(
    "Forbidden",
  );
  expect((await catchRefusal(listApiKeys(withRole(owner, "operator"), { limit: 5 }))).code).toBe("Forbidden");
  const other = await makeTenant(ground());
  expect((await catchRefusal(revokeApiKey(other, { id: high.body.id }))).code).toBe("NotFound");
  expect((await catchRefusal(revokePlatformKey(asPlatform(ground()), { id: high.body.id }))).code).toBe("NotFound");
  const past = new Date(Date.now() - 1000).toISOString();
  expect(await catchRefusal(createApiKey(owner, { name: "x", role: "viewer", expiresAt: past }))).toMatchObject({
    code: "InvalidField",
    parameter: "expiresAt",
  });
});

test("the platform makes its own keys, and a tenant's first", async () => {
  const platform = asPlatform(ground());
  const tenant = await makeTenant(ground());
  const first = await createTenantApiKey(platform, {
    tenant: tenant.actor.tenantName ?? "",
    body: { name: "first", role: "owner" },
  });
  expect(await authenticateApiKey(ground().web, first.body.key ?? "")).toMatchObject({
    tenantId: tenant.actor.tenantId,
  });
  expect(
    (await catchRefusal(createTenantApiKey(platform, { tenant: "none", body: { name: "x", role: "owner" } }))).code,
  ).toBe("NotFound");
  const own = await createPlatformKey(platform, { name: "ops" });
  expect(await authenticateApiKey(ground().web, own.body.key ?? "")).toMatchObject({
    tenantId: null,
    role: "platform",
  });
  const started = makeSecret();
  await ensurePlatformKey(ground().web, started);
  await ensurePlatformKey(ground().web, started);
  await expect(ensurePlatformKey(ground().web, "guessable")).rejects.toThrow("at least 32");
  expect(await authenticateApiKey(ground().web, started)).toMatchObject({ role: "platform" });
  expect((await listPlatformKeys(platform, { limit: 50 })).items.map(({ name }) => name)).toEqual(["first", "ops"]);
  await revokePlatformKey(platform, { id: own.body.id });
  expect(await authenticateApiKey(ground().web, own.body.key ?? "")).toBeUndefined();
  const verbs = [
    createPlatformKey(tenant, { name: "x" }),
    listPlatformKeys(tenant, { limit: 5 }),
    revokePlatformKey(tenant, { id: own.body.id }),
    createTenantApiKey(tenant, { tenant: "x", body: { name: "x", role: "viewer" } }),
  ];
  const refusals = await Promise.all(verbs.map(catchRefusal));
  expect(refusals.map(({ code }) => code)).toEqual(verbs.map(() => "Forbidden"));
});
