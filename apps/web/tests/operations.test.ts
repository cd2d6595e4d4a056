import { allOperations, type AnyOperation, operations, type ProblemCode } from "@pilothouse/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { createContractChecker, type TestRequest } from "./support/contract-checker.ts";
import {
  finishWork,
  istiodClusterBody,
  makeProvider,
  makeTenant,
  openWorld,
  registerWorker,
  versionBody,
  type World,
} from "./support/world.ts";
import { makePerson, password, signIn, type SignedIn } from "./support/people.ts";
import { startWeb } from "./support/web-server.ts";

const uuid = "01980000-0000-7000-8000-000000000000";
let world: World;
let shop: Awaited<ReturnType<typeof makeTenant>>;
let pay: Awaited<ReturnType<typeof makeTenant>>;
/** Of a person who is a member of the tenant `shop`. */
let session: SignedIn;
let administrator = "";
let counter = 0;

/** Parameters that name what is there, and bodies that make something new with each call. */
const samples: Record<string, () => TestRequest> = {
  connectCluster: () => ({ body: { name: `c${counter}`, kind: "standalone", kubeconfig: "kind: Config" } }),
  retryConnection: () => ({ body: { kubeconfig: `kind: Config # ${counter}` } }),
  createControlPlane: () => ({ body: { name: `p${counter}`, cluster: "main", line: "1.32" } }),
  changeControlPlane: () => ({ body: { replicas: 2 } }),
  previewPlacement: () => ({ body: { cluster: "main", version: "1.32.0" } }),
  createApiKey: () => ({ body: { name: `k${counter}`, role: "viewer" } }),
  createTenantApiKey: () => ({ body: { name: `k${counter}`, role: "viewer" } }),
  createPlatformKey: () => ({ body: { name: `k${counter}` } }),
  createUser: () => ({ body: { email: `u${counter}@example.org` } }),
  addMember: () => ({ body: { email: `m${counter}@example.org`, role: "viewer" } }),
  addTenantMember: () => ({ body: { email: `m${counter}@example.org`, role: "viewer" } }),
  changeMember: () => ({ body: { role: counter % 2 === 0 ? "viewer" : "operator" } }),
  changePassword: () => ({ body: { current: "not the one there is", password: "another long password" } }),
  acceptInvitation: () => ({ body: { token: `t${counter}`, password: "another long password" } }),
  joinTenant: () => ({ body: { token: `t${counter}` } }),
  createTenant: () => ({ body: { name: `t${counter}`, displayName: "T" } }),
  createRegion: () => ({ body: { name: `r${counter}`, displayName: "R" } }),
  createSeed: () => ({ body: { name: `s${counter}`, region: "eu", provider: "x" } }),
  createIstiodCluster: () => ({ body: { ...istiodClusterBody(`i${counter}`, 0) } }),
  createVersionLine: () => ({ body: { name: `2.${counter}` } }),
  createVersion: () => ({ body: versionBody(`1.32.${counter}`) }),
  changeTenant: () => ({ body: { displayName: `T ${counter}`, limits: { clusters: 1_000, revisions: null } } }),
  changeRegion: () => ({ body: { displayName: `R ${counter}`, latitude: 50 } }),
  changeSeed: () => ({ body: { zones: [`z${counter}`] } }),
  changeIstiodCluster: () => ({ body: { zones: [`z${counter}`], kubeconfig: "kind: Config" } }),
  changeVersionLine: () => ({ body: { endOfSupport: `2027-01-${10 + (counter % 20)}` } }),
  changeVersion: () => ({ body: { state: "available" } }),
};

const names = {
  tenant: "shop",
  region: "eu",
  seed: "seed",
  istiodCluster: "istiod",
  versionLine: "1.32",
  version: "1.32.0",
  apiKey: uuid,
  operation: uuid,
  cluster: "main",
  controlPlane: "mesh",
  controlPlaneId: uuid,
  member: uuid,
  session: uuid,
};

/** A request that succeeds, as far as what it names is there and free. */
function sample({ id, scope }: AnyOperation, more: TestRequest = {}): TestRequest {
  counter += 1;
  const keys = {
    tenant: shop.owner,
    platform: world.platformKey,
    anyone: shop.viewer,
    person: undefined,
    public: undefined,
  };
  const asked: TestRequest = { key: keys[scope.kind], params: names, ...samples[id]?.(), ...more };
  if (scope.kind !== "person" || "key" in more) return asked;
  return { ...asked, headers: { ...session.headers, ...more.headers } };
}

const request = (operation: AnyOperation, more: TestRequest = {}) =>
  world.checker.request(operation, sample(operation, more));

async function expectCode(operation: AnyOperation, code: ProblemCode, more: TestRequest = {}): Promise<void> {
  const answer = await request(operation, more);
  expect(`${operation.id} ${answer.code ?? answer.status}`).toBe(`${operation.id} ${code}`);
}

/** Invites somebody into the tenant `shop`. */
async function invite(email: string, role: string): Promise<{ id: string; token: string }> {
  const { body } = await world.checker.succeed(operations.addTenantMember, {
    key: world.platformKey,
    params: names,
    body: { email, role },
  });
  const { id, invitation } = z.object({ id: z.string(), invitation: z.object({ token: z.string() }) }).parse(body);
  return { id, token: invitation.token };
}

beforeAll(async () => {
  world = await openWorld({ PILOTHOUSE_RATE_LIMIT: "10000", PILOTHOUSE_STREAM_LIMIT: "1" });
});

afterAll(async () => {
  await world.close();
});

test("without a worker's sealing key nothing is taken that would have to be sealed", async () => {
  shop = await makeTenant(world, "shop");
  pay = await makeTenant(world, "pay");
  const key = world.platformKey;
  const admin = await invite("admin@example.org", "owner");
  expect((await request(operations.acceptInvitation, { body: { token: admin.token, password } })).status).toBe(200);
  session = await signIn(world.web.url, "admin@example.org");
  administrator = admin.id;
  names.member = (await invite("guest@example.org", "viewer")).id;
  await world.checker.request(operations.createRegion, { key, body: { name: "xx", displayName: "X" } });
  await world.checker.request(operations.createVersionLine, { key, body: { name: "9.9" } });
  await expectCode(operations.createIstiodCluster, "NoWorker", {
    body: { ...istiodClusterBody("x", 1), region: "xx", line: "9.9" },
  });
  await expectCode(operations.connectCluster, "NoWorker");
});

test("a tenant's and the provider's things are made, read and listed", async () => {
  await registerWorker(world.owner);
  await makeProvider(world, 20);
  const made = await request(operations.connectCluster, {
    body: { name: "main", kind: "gardener", seed: "seed", kubeconfig: "kind: Config" },
  });
  expect(made.status).toBe(202);
  expect(made.headers.get("location")).toMatch(/^\/api\/v1\/tenants\/shop\/operations\/[0-9a-f-]{36}$/);
  await expectCode(operations.createControlPlane, "ClusterNotConnected");
  await expectCode(operations.retryConnection, "OperationInProgress");
  await expectCode(operations.disconnectCluster, "OperationInProgress");
  await finishWork(world.owner);
  expect((await request(operations.retryConnection)).status).toBe(202);
  await finishWork(world.owner);
  const order = { name: "mesh", cluster: "main", line: "1.32", replicas: 1 };
  expect((await request(operations.createControlPlane, { body: order })).status).toBe(202);
  await expectCode(operations.changeControlPlane, "OperationInProgress", { headers: { "if-match": "*" } });
  await finishWork(world.owner);
  names.operation = made.headers.get("location")?.split("/").at(-1) ?? "";
  const fleet = await request(operations.listFleetControlPlanes);
  names.controlPlaneId =
    z.object({ items: z.array(z.object({ id: z.string() })) }).parse(fleet.body).items[0]?.id ?? "";
  for (const operation of allOperations.filter(({ method }) => method === "GET")) {
    expect((await request(operation)).status).toBe(200);
  }
  expect((await request(operations.previewPlacement)).status).toBe(200);
});

test("what changes has an ETag, and a change says what it is based on", async () => {
  for (const operation of allOperations.filter(({ method }) => method === "PATCH")) {
    const read = Object.values<AnyOperation>(operations).find(
      ({ method, path }) => method === "GET" && path === operation.path,
    );
    if (read === undefined) throw new Error(`${operation.id} changes what can't be read`);
    const etag = (await request(read)).headers.get("etag") ?? "";
    await expectCode(operation, "PreconditionRequired");
    await expectCode(operation, "PreconditionFailed", { headers: { "if-match": '"999"' } });
    await expectCode(operation, "InvalidParameter", { headers: { "if-match": "x" } });
    const changed = await request(operation, { headers: { "if-match": `"998", ${etag}` } });
    expect([200, 202]).toContain(changed.status);
  }
  await finishWork(world.owner);
  const headers = { "if-match": "*" };
  expect((await request(operations.changeControlPlane, { headers })).status).toBe(200);
  await expectCode(operations.changeControlPlane, "VersionChangeUnsupported", { headers, body: { version: "1.32.9" } });
  await expectCode(operations.changeIstiodCluster, "InUse", {
    headers,
    body: { capacity: { slots: 0, cpuMilli: 0, memoryMib: 0 } },
  });
});

test("each POST can be repeated under an Idempotency-Key, and is carried out once", async () => {
  for (const operation of allOperations.filter(({ idempotent }) => idempotent === true)) {
    const headers = { "idempotency-key": `key-${operation.id}` };
    const wish = sample(operation, { headers });
    const first = await world.checker.request(operation, wish);
    const again = await world.checker.request(operation, wish);
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([first.status, "true"]);
    expect(again.headers.get("location")).toBe(first.headers.get("location"));
    expect(again.body).toEqual(hideKey(first.body));
    await expectCode(operation, "IdempotencyKeyReused", { headers });
    await expectCode(operation, "InvalidParameter", { headers: { "idempotency-key": "not visible ascii" } });
    await finishWork(world.owner);
  }
});

/** The text of a key or an invitation is answered once. */
function hideKey(body: unknown): unknown {
  const parsed = z.record(z.string(), z.unknown()).parse(body);
  for (const name of ["key", "invitation"]) if (name in parsed) parsed[name] = null;
  return parsed;
}

test("causes of their own", async () => {
  await expectCode(operations.connectCluster, "AlreadyExists", {
    body: { name: "main", kind: "standalone", kubeconfig: "x" },
  });
  await expectCode(operations.connectCluster, "UnknownReference", {
    body: { name: "other", kind: "gardener", seed: "none", kubeconfig: "x" },
  });
  const order = (more: object) => ({ body: { name: "next", cluster: "main", ...more } });
  await expectCode(operations.createControlPlane, "AlreadyExists", order({ name: "mesh", line: "1.32" }));
  for (const operation of [operations.createControlPlane, operations.previewPlacement]) {
    const { name: _, ...body } = order({ version: "7.7.7" }).body;
    const named = operation === operations.createControlPlane ? { name: "next" } : {};
    await expectCode(operation, "UnknownReference", { body: { ...body, ...named } });
    await world.owner.query("UPDATE versions SET state = 'withdrawn' WHERE name = '1.32.0'");
    await expectCode(operation, "VersionNotAvailable", { body: { ...named, cluster: "main", version: "1.32.0" } });
    await world.owner.query("UPDATE versions SET state = 'available' WHERE name = '1.32.0'");
  }
  await world.owner.query("UPDATE istiod_clusters SET schedulable = false");
  await expectCode(operations.createControlPlane, "NoPlacement", order({ line: "1.32" }));
  await world.owner.query("UPDATE istiod_clusters SET schedulable = true");
  await world.owner.query("UPDATE tenants SET clusters_limit = 0, control_planes_limit = 0, api_keys_limit = 0");
  for (const operation of [operations.connectCluster, operations.createApiKey, operations.createTenantApiKey])
    await expectCode(operation, "QuotaExceeded");
  await expectCode(operations.createControlPlane, "QuotaExceeded", order({ line: "1.32" }));
  await world.owner.query(
    "UPDATE tenants SET clusters_limit = NULL, control_planes_limit = NULL, api_keys_limit = NULL",
  );
  const existing: [AnyOperation, object][] = [
    [operations.createTenant, { name: "shop", displayName: "x" }],
    [operations.createRegion, { name: "eu", displayName: "x" }],
    [operations.createSeed, { name: "seed", region: "eu", provider: "x" }],
    [operations.createIstiodCluster, istiodClusterBody("istiod", 1)],
    [operations.createVersionLine, { name: "1.32" }],
    [operations.createVersion, versionBody("1.32.0")],
  ];
  for (const [operation, body] of existing) await expectCode(operation, "AlreadyExists", { body });
  const dangling: [AnyOperation, object][] = [
    [operations.createSeed, { name: "s", region: "none", provider: "x" }],
    [operations.createIstiodCluster, { ...istiodClusterBody("s", 1), region: "none" }],
    [operations.createVersion, { ...versionBody("1.33.0"), line: "1.33" }],
  ];
  for (const [operation, body] of dangling) await expectCode(operation, "UnknownReference", { body });
  for (const operation of allOperations.filter(
    ({ path, method }) => method === "DELETE" && path.startsWith("/admin/"),
  )) {
    if (operation.problems.includes("InUse")) await expectCode(operation, "InUse");
  }
});

test("causes of their own, of people", async () => {
  const params = { ...names, member: administrator };
  for (const operation of [operations.addMember, operations.addTenantMember])
    await expectCode(operation, "AlreadyExists", { body: { email: "GUEST@example.org", role: "viewer" } });
  await expectCode(operations.changeMember, "LastAdmin", {
    params,
    headers: { "if-match": "*" },
    body: { role: "viewer" },
  });
  await expectCode(operations.removeMember, "LastAdmin", { params });
  await expectCode(operations.getUsage, "NotFound", { query: "?istiodCluster=none" });
  await expectCode(operations.acceptInvitation, "NotFound");
  await expectCode(operations.joinTenant, "NotFound");
  const { token } = await invite("person@example.org", "viewer");
  await makePerson(world, "person@example.org");
  await expectCode(operations.acceptInvitation, "PasswordIsSet", { body: { token, password } });
  for (let tries = 1; tries < 10; tries += 1) await request(operations.acceptInvitation, { body: { token, password } });
  await expectCode(operations.acceptInvitation, "RateLimited", { body: { token, password } });
  const person = await signIn(world.web.url, "person@example.org");
  const joined = await request(operations.joinTenant, { ...person, body: { token } });
  expect([joined.status, joined.body]).toMatchObject([200, { tenant: "shop", role: "viewer" }]);
});

test("a change that needs more than there is finds no place", async () => {
  await world.owner.query("UPDATE istiod_clusters SET capacity_cpu_milli = reserved_cpu_milli");
  await expectCode(operations.changeControlPlane, "NoPlacement", {
    headers: { "if-match": "*" },
    body: { replicas: 5 },
  });
  await world.owner.query("UPDATE istiod_clusters SET capacity_cpu_milli = 100000");
});

test.each(allOperations.map((operation) => [operation.id, operation] as const))(
  "%s refuses what is not a request of its form",
  async (_, operation) => {
    const { scope } = operation;
    await expectCode(operation, "InvalidParameter", { query: "?unknown=1" });
    await expectCode(operation, "NotAcceptable", { headers: { accept: "text/html" } });
    if (scope.kind !== "public") {
      await expectCode(operation, "Unauthenticated", { key: undefined });
      await expectCode(operation, "Unauthenticated", { key: "plth_nobody" });
      const foreign = { ...session.headers, origin: "https://elsewhere.test" };
      await expectCode(operation, "CrossOrigin", { key: undefined, headers: foreign });
    }
    if (scope.kind === "person") await expectCode(operation, "Forbidden", { key: shop.owner });
    if (scope.kind === "tenant") {
      await expectCode(operation, "NotFound", { key: pay.owner });
      await expectCode(operation, "NotFound", { key: world.platformKey });
    }
    if (scope.kind === "tenant" && scope.role !== "viewer")
      await expectCode(operation, "Forbidden", { key: shop.viewer });
    if (scope.kind === "platform") await expectCode(operation, "Forbidden", { key: shop.owner });
    if (operation.problems.includes("InvalidCursor"))
      await expectCode(operation, "InvalidCursor", { query: "?cursor=x" });
    if (operation.body !== undefined) {
      const headers = { "if-match": "*" };
      await expectCode(operation, "MalformedRequest", { headers, rawBody: "{" });
      await expectCode(operation, "UnsupportedMediaType", { headers: { ...headers, "content-type": "text/plain" } });
      await expectCode(operation, "PayloadTooLarge", { headers, rawBody: JSON.stringify("x".repeat(300_000)) });
      await expectCode(operation, "InvalidField", { headers, body: [] });
      const { body } = sample(operation);
      await expectCode(operation, "UnknownField", { headers, body: { ...z.looseObject({}).parse(body), unknown: 1 } });
    }
  },
);

test("what is not there is not found", async () => {
  const ids = { operation: uuid, apiKey: uuid, member: uuid, session: uuid, controlPlaneId: uuid };
  const nowhere = { ...names, ...ids, cluster: "no", controlPlane: "no" };
  const noName = { ...nowhere, region: "no", seed: "no", istiodCluster: "no", versionLine: "0.0", version: "0.0.0" };
  for (const operation of allOperations.filter(({ params }) => Object.keys(params.shape).length > 0)) {
    if (Object.keys(operation.params.shape).at(-1) === "tenant" && operation.scope.kind === "tenant") continue;
    const params = operation.scope.kind === "platform" ? { ...noName, tenant: "no" } : noName;
    await expectCode(operation, "NotFound", { params, headers: { "if-match": "*" } });
  }
});

test("sealing keys that are retired are not sealed to", async () => {
  await world.owner.query("UPDATE sealing_keys SET retired_at = now()");
  await expectCode(operations.retryConnection, "NoWorker");
  await expectCode(operations.changeIstiodCluster, "NoWorker", { headers: { "if-match": "*" } });
  await world.owner.query("UPDATE sealing_keys SET retired_at = NULL");
});

test("things are deleted, once, and only what nobody needs", async () => {
  for (const operation of allOperations.filter(({ ifMatch }) => ifMatch === "optional")) {
    await expectCode(operation, "PreconditionFailed", { headers: { "if-match": '"999"' } });
  }
  await expectCode(operations.disconnectCluster, "InUse");
  expect((await request(operations.deleteControlPlane)).status).toBe(202);
  await expectCode(operations.deleteControlPlane, "BeingDeleted");
  await expectCode(operations.changeControlPlane, "BeingDeleted", { headers: { "if-match": "*" } });
  await finishWork(world.owner);
  await world.owner.query("DELETE FROM revisions");
  await world.owner.query("DELETE FROM control_planes");
  expect((await request(operations.disconnectCluster)).status).toBe(202);
  for (const operation of [operations.disconnectCluster, operations.retryConnection, operations.createControlPlane]) {
    await expectCode(operation, "BeingDeleted");
  }
  const { body } = await request(operations.createApiKey);
  const { id, key } = z.object({ id: z.string(), key: z.string() }).parse(body);
  expect((await request(operations.listClusters, { key })).status).toBe(200);
  expect((await request(operations.revokeApiKey, { params: { ...names, apiKey: id } })).status).toBe(204);
  await expectCode(operations.listClusters, "Unauthenticated", { key });
  expect((await request(operations.removeMember)).status).toBe(204);
  const passwords = { current: password, password: "another long password" };
  expect((await request(operations.changePassword, { body: passwords })).status).toBe(204);
  const again = await signIn(world.web.url, "admin@example.org", passwords.password);
  const { items } = z
    .object({ items: z.array(z.object({ id: z.string(), isCurrent: z.boolean() })) })
    .parse((await request(operations.listSessions)).body);
  const other = items.find(({ isCurrent }) => !isCurrent)?.id ?? "";
  expect((await request(operations.revokeSession, { params: { ...names, session: other } })).status).toBe(204);
  await expectCode(operations.whoAmI, "Unauthenticated", { key: undefined, ...again });
  const platform = z.object({ id: z.string() }).parse((await request(operations.createPlatformKey)).body);
  expect((await request(operations.revokePlatformKey, { params: { ...names, apiKey: platform.id } })).status).toBe(204);
  const order = [
    operations.deleteIstiodCluster,
    operations.deleteVersion,
    operations.deleteVersionLine,
    operations.deleteSeed,
    operations.deleteRegion,
  ];
  await world.owner.query("DELETE FROM mesh_clusters");
  await world.owner.query("DELETE FROM istiod_clusters WHERE name <> 'istiod'");
  await world.owner.query("DELETE FROM versions WHERE name <> '1.32.0'");
  await world.owner.query("DELETE FROM seeds WHERE name <> 'seed'");
  for (const operation of order) expect((await request(operation)).status).toBe(204);
});

test("one stream too many is refused", async () => {
  const abort = new AbortController();
  const streams = [
    [operations.listEvents, "tenants/shop", shop.admin],
    [operations.listFleetEvents, "admin", world.platformKey],
  ] as const;
  for (const [operation, place, key] of streams) {
    const headers = { authorization: `Bearer ${key}`, accept: "text/event-stream" };
    const response = await fetch(`${world.web.url}/api/v1/${place}/events`, { headers, signal: abort.signal });
    expect(response.status).toBe(200);
    await expectCode(operation, "TooManyStreams", { key, headers: { accept: "text/event-stream" } });
  }
  abort.abort();
});

test("a key that asks too often has to wait, whatever it asks", async () => {
  const web = await startWeb({ DATABASE_URL: world.database.web, PILOTHOUSE_RATE_LIMIT: "1" });
  const checker = world.checker.at(web.url);
  for (const operation of allOperations.filter(({ scope }) => scope.kind !== "public")) {
    const key = `plth_${operation.id}`;
    expect((await checker.request(operation, { key, params: names })).code).toBe("Unauthenticated");
    const answer = await checker.request(operation, { key, params: names });
    expect([operation.id, answer.code]).toEqual([operation.id, "RateLimited"]);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  await web.stop();
});

test("a statement that others hold up is given up", async () => {
  await world.owner.query("BEGIN");
  await world.owner.query("LOCK TABLE mesh_clusters IN ACCESS EXCLUSIVE MODE");
  await expectCode(operations.listClusters, "TookTooLong");
  await world.owner.query("ROLLBACK");
});

test("a stream is begun", async () => {
  for (const operation of [operations.listEvents, operations.listFleetEvents]) {
    const answer = await request(operation, { headers: { accept: "text/event-stream" } });
    expect(answer.status).toBe(200);
  }
});

test("without a database every operation says so", async () => {
  const url = new URL(world.database.web);
  url.port = "1";
  const web = await startWeb({ DATABASE_URL: url.href });
  const checker = world.checker.at(web.url);
  for (const operation of allOperations.filter(({ id }) => id !== "getOpenApiDocument")) {
    const answer = await checker.request(operation, sample(operation));
    expect([operation.id, answer.code]).toEqual([operation.id, "Unavailable"]);
    expect(answer.headers.get("retry-after")).toBe("2");
  }
  await web.stop();
});

test("every operation gives up what others hold up, wherever it waits", async () => {
  const { owner, database } = world;
  const name = owner.escapeIdentifier(new URL(database.web).pathname.slice(1));
  await owner.query(`ALTER ROLE pilothouse_web IN DATABASE ${name} SET lock_timeout = '200ms'`);
  const web = await startWeb({ DATABASE_URL: database.web });
  const checker = world.checker.at(web.url);
  const { rows } = await owner.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
  );
  const listUnseen = () => allOperations.filter(({ id }) => checker.listUnseen().includes(`${id} TookTooLong`));
  // Keys are looked up in these two: while they are free, every other operation gets as far as its own work.
  for (const free of [["api_keys", "tenants"], []]) {
    const tables = rows.map((row) => row.name).filter((table) => !free.includes(table));
    await owner.query("BEGIN");
    await owner.query(`LOCK TABLE ${tables.join(", ")} IN ACCESS EXCLUSIVE MODE`);
    for (const operation of listUnseen()) {
      await checker.request(operation, sample(operation, { headers: { "if-match": "*" } }));
    }
    await owner.query("ROLLBACK");
    expect(listUnseen().length).toBeLessThan(free.length > 0 ? 8 : 1);
  }
  await web.stop();
});

test("nothing failed, and no key, password or kubeconfig was logged", () => {
  const lines = world.web.output().split("\n");
  expect(lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);
  expect(lines.length).toBeGreaterThan(500);
  expect(
    lines.filter((line) => /plth_|kind: Config|long password|enough password|pilothouse-session/.test(line)),
  ).toEqual([]);
});

test("what fails for a cause that nobody foresaw is the service's fault, and only its log says more", async () => {
  const entrances = "authenticate_api_key(bytea), authenticate_session(uuid)";
  await world.owner.query("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM pilothouse_web");
  await world.owner.query("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM pilothouse_web");
  await world.owner.query(`GRANT EXECUTE ON FUNCTION ${entrances} TO pilothouse_web`);
  // Who asks is all that these want of the database.
  const last = [operations.whoAmI, operations.getSetup];
  const all = allOperations.filter(({ id }) => ![operations.getOpenApiDocument, ...last].some((one) => one.id === id));
  for (const operation of [...all, ...last]) {
    if (operation.id === "whoAmI") await world.owner.query(`REVOKE ALL ON FUNCTION ${entrances} FROM pilothouse_web`);
    const answer = await request(operation, { headers: { "if-match": "*" } });
    expect([operation.id, answer.code]).toEqual([operation.id, "InternalError"]);
    expect(JSON.stringify(answer.body)).not.toMatch(/permission|denied|prisma|pilothouse_web/i);
  }
  expect(world.web.output()).toContain("permission denied");
});

test("every answer that the contract lists was seen from every operation", () => {
  const all = createContractChecker(world.web.url).listUnseen();
  expect(all.length).toBeGreaterThan(allOperations.length * 5);
  expect(world.checker.listUnseen()).toEqual([]);
});
