import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import {
  addMember,
  changeControlPlane,
  connectDatabase,
  createApiKey,
  createControlPlane,
  type Database,
  deleteControlPlane,
  disconnectCluster,
  getCluster,
  getControlPlane,
  getOperation,
  listApiKeys,
  listAuditEntries,
  listClusters,
  listControlPlanes,
  listEvents,
  listMembers,
  listOperations,
  listRevisions,
  previewPlacement,
  readEventsAfter,
  retryConnection,
  revokeApiKey,
} from "../src/index.ts";
import { Prisma } from "../src/generated/client.ts";
import {
  catchRefusal,
  makeConnectedCluster,
  makeIstiodCluster,
  makeTenant,
  type TestContext,
  useGround,
  withKey,
} from "./support/fixture.ts";

const ground = useGround();

/** The same database, whose queries have lost every tenant that they asked for: what an application that forgot its filters would send. */
function withoutTenantFilters(database: Database): Database {
  const stripped = database.$extends({
    query: {
      $allModels: {
        async $allOperations({ args, query }) {
          return query(dropTenant(args));
        },
      },
      $queryRaw: ({ args, query }) => query(dropTenantFromSql(args)),
      $executeRaw: ({ args, query }) => query(dropTenantFromSql(args)),
    },
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an extended client is of another class, but does all that verbs call
  return stripped as unknown as Database;
}

function dropTenant<Args>(args: Args): Args {
  const where: unknown = Reflect.get(Object(args), "where");
  if (typeof where !== "object" || where === null) return args;
  const { tenantId: _, ...rest } = where as { tenantId?: unknown };
  return { ...args, where: rest };
}

/** Has `tenant_id = …` in SQL let everything through. */
function dropTenantFromSql(sql: Prisma.Sql): Prisma.Sql {
  const strings = sql.strings.map((text, index) => {
    const behind =
      sql.strings[index - 1]?.endsWith("tenant_id = ") === true ? text.replace(/^::uuid/, "::uuid)") : text;
    return behind.replace(/tenant_id = $/, "(true OR tenant_id = ");
  });
  return new Prisma.Sql(strings, sql.values);
}

async function fill(): Promise<{ tenant: TestContext; operation: string; key: string; revision: string }> {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  const { body } = await createControlPlane(tenant, { name: "mesh", cluster: "shop", line: "1.32", replicas: 1 });
  const keyed = withKey(tenant, "key", "create an API key");
  const key = await createApiKey(keyed, { name: "ci", role: "viewer" });
  await addMember(tenant, { email: `${randomUUID()}@example.org`, displayName: "M", role: "viewer" });
  const tenantId = tenant.actor.tenantId ?? "";
  const { id: operationId } = body.operation;
  const { owner } = ground();
  await owner.$executeRaw`INSERT INTO operation_steps (operation_id, tenant_id, name, position) VALUES (${operationId}::uuid, ${tenantId}::uuid, 's', 1)`;
  await owner.$executeRaw`
    INSERT INTO conditions (tenant_id, object_kind, object_id, type, status, reason, message, observed_generation, last_transition_at)
    VALUES (${tenantId}::uuid, 'revision', ${body.resource.revisions[0]}, 'Ready', 'True', 'R', 'm', 1, now())`;
  return { tenant, operation: body.operation.id, key: key.body.id, revision: body.resource.revisions[0] ?? "" };
}

const page = { limit: 50 };
/** What lists another tenant's things. */
const lists: Record<string, (as: TestContext) => Promise<readonly unknown[]>> = {
  clusters: async (as) => (await listClusters(as, page)).items,
  controlPlanes: async (as) => (await listControlPlanes(as, page)).items,
  operations: async (as) => (await listOperations(as, page)).items,
  events: async (as) => (await listEvents(as, page)).items,
  apiKeys: async (as) => (await listApiKeys(as, page)).items,
  members: async (as) => (await listMembers(as, page)).items,
  auditEntries: async (as) => (await listAuditEntries(as, page)).items,
  stream: async (as) => (await readEventsAfter(as, { after: "0-0", ...page })).events,
};
/** What reads one by its name. */
const reads: Record<string, (as: TestContext, operation: string) => Promise<unknown>> = {
  cluster: (as) => getCluster(as, { name: "shop" }),
  controlPlane: (as) => getControlPlane(as, { name: "mesh" }),
  operation: (as, id) => getOperation(as, { id }),
  revisions: (as) => listRevisions(as, { controlPlane: "mesh", ...page }),
};

test("the application's own queries, with its tenant filters taken away, find nothing of another tenant", async () => {
  await makeIstiodCluster(ground());
  const { tenant, operation, key } = await fill();
  const stranger: TestContext = { ...(await makeTenant(ground())), database: withoutTenantFilters(ground().web) };
  for (const [name, list] of Object.entries(lists)) expect([name, await list(stranger)]).toEqual([name, []]);
  const order = { cluster: "shop", line: "1.32", replicas: 1 };
  const attempts = [
    ...Object.values(reads).map((read) => read(stranger, operation)),
    changeControlPlane(stranger, { name: "mesh", ifMatch: "*", body: { replicas: 5 } }),
    deleteControlPlane(stranger, { name: "mesh" }),
    disconnectCluster(stranger, { name: "shop" }),
    retryConnection(stranger, { name: "shop", body: { kubeconfig: "x" } }),
    revokeApiKey(stranger, { id: key }),
  ];
  const refusals = await Promise.all(attempts.map(catchRefusal));
  expect(refusals.map(({ code }) => code)).toEqual(attempts.map(() => "NotFound"));
  const orders = [createControlPlane(stranger, { name: "mine", ...order }), previewPlacement(stranger, order)];
  for (const refusal of await Promise.all(orders.map(catchRefusal))) {
    expect(refusal).toMatchObject({ code: "UnknownReference", parameter: "cluster" });
  }
  expect(await getControlPlane(tenant, { name: "mesh" })).toMatchObject({ replicas: 1, deletionRequestedAt: null });

  // Who is not guarded finds all of it: the filters are really gone.
  const owner = connectDatabase(ground().copy.migrator, 2);
  const unguarded = { ...stranger, database: withoutTenantFilters(owner) };
  for (const [name, list] of Object.entries(lists)) {
    expect([name, (await list(unguarded)).length > 0]).toEqual([name, true]);
  }
  for (const read of Object.values(reads)) await expect(read(unguarded, operation)).resolves.toBeTruthy();
  await owner.$disconnect();
});

const tenantTables = [
  "api_keys",
  "mesh_clusters",
  "control_planes",
  "revisions",
  "operations",
  "operation_steps",
  "conditions",
  "events",
  "audit_entries",
  "idempotency_keys",
  "sealed_secrets",
  "work_items",
  "memberships",
];

test("every table that names a tenant is guarded, also from its owner's functions", async () => {
  const rows = await ground().owner.$queryRaw<{ name: string; guarded: boolean }[]>`
    SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS guarded FROM pg_class c
    JOIN information_schema.columns i ON i.table_name = c.relname AND i.table_schema = 'public' AND i.column_name = 'tenant_id'
    WHERE c.relkind = 'r' ORDER BY 1`;
  // The web writes invitations, and reads none.
  expect(rows.map(({ name }) => name)).toEqual([...tenantTables, "invitations"].toSorted());
  expect(rows.filter(({ guarded }) => !guarded)).toEqual([]);
});

test.each(tenantTables)("%s: whoever set no tenant, or another, sees no row", async (table) => {
  const { tenant } = await fill();
  const stranger = await makeTenant(ground());
  const count = (as: string | undefined) =>
    ground().web.$transaction(async (transaction) => {
      if (as !== undefined) await transaction.$executeRaw`SELECT set_config('pilothouse.tenant', ${as}, true)`;
      const rows = await transaction.$queryRawUnsafe<{ count: bigint }[]>(
        `SELECT count(tenant_id) FROM ${table} WHERE tenant_id = '${tenant.actor.tenantId}'`,
      );
      return Number(rows[0]?.count);
    });
  expect(await count(undefined)).toBe(0);
  expect(await count(stranger.actor.tenantId ?? "")).toBe(0);
  expect(await count(tenant.actor.tenantId ?? "")).toBeGreaterThanOrEqual(1);
});

test("a tenant sees itself and its own people alone", async () => {
  const { tenant } = await fill();
  await fill();
  const stranger = await makeTenant(ground());
  const count = (table: "tenants" | "users", as: TestContext) =>
    ground().web.$transaction(async (transaction) => {
      await transaction.$executeRaw`SELECT set_config('pilothouse.tenant', ${as.actor.tenantId}, true)`;
      const rows = await transaction.$queryRawUnsafe<unknown[]>(`SELECT id FROM ${table}`);
      return rows.length;
    });
  expect(await Promise.all([count("tenants", tenant), count("users", tenant)])).toEqual([1, 1]);
  expect(await Promise.all([count("tenants", stranger), count("users", stranger)])).toEqual([1, 0]);
});

/** Runs one statement as a role, in a tenant's or the platform's transaction. */
function run(database: Database, statement: string, tenantId?: string): Promise<number> {
  return database.$transaction(async (transaction) => {
    await transaction.$executeRaw`SELECT set_config('pilothouse.platform', 'on', true)`;
    if (tenantId !== undefined)
      await transaction.$executeRaw`SELECT set_config('pilothouse.tenant', ${tenantId}, true)`;
    return transaction.$executeRawUnsafe(statement);
  });
}

/** Those of the statements that were not refused for want of rights, each with what happened instead. */
async function listAllowed(
  statements: readonly string[],
  attempt: (statement: string) => Promise<unknown>,
): Promise<string[]> {
  const outcomes = await Promise.all(
    statements.map(async (statement) => {
      const outcome = await attempt(statement).then(
        () => "went through",
        (error: unknown) => String(error),
      );
      return /permission denied|must be owner|row-level security/.test(outcome) ? [] : [`${statement}: ${outcome}`];
    }),
  );
  return outcomes.flat();
}

test("the web role is held to what it needs", async () => {
  const { tenant, revision } = await fill();
  const own = tenant.actor.tenantId ?? "";
  const stranger = (await makeTenant(ground())).actor.tenantId ?? "";
  const refused = [
    "SELECT ciphertext FROM sealed_secrets",
    "SELECT * FROM sealed_secrets",
    "UPDATE sealed_secrets SET expires_at = NULL",
    "DELETE FROM sealed_secrets",
    "SELECT hash FROM api_keys",
    "UPDATE api_keys SET role = 'owner'",
    "UPDATE istiod_clusters SET reserved_slots = 0",
    "UPDATE istiod_clusters SET reserved_cpu_milli = 0, reserved_memory_mib = 0",
    "UPDATE istiod_clusters SET healthy = true",
    "INSERT INTO istiod_clusters (name, region, line, capacity_slots, capacity_cpu_milli, capacity_memory_mib, reserved_slots) VALUES ('x', 'eu-1', '1.32', 1, 1, 1, 0)",
    "DELETE FROM control_planes",
    "DELETE FROM events",
    "UPDATE events SET message = 'x'",
    "UPDATE audit_entries SET verb = 'x'",
    "DELETE FROM audit_entries",
    "DELETE FROM idempotency_keys",
    "INSERT INTO sealing_keys (id, public_key) VALUES (gen_random_uuid(), '\\x00')",
    "INSERT INTO conditions (tenant_id, object_kind, object_id, type, status, reason, message, observed_generation, last_transition_at) VALUES (current_tenant(), 'revision', 'x', 'Ready', 'True', 'R', 'm', 1, now())",
    "ALTER TABLE tenants DISABLE ROW LEVEL SECURITY",
    "CREATE TABLE mine (id int)",
    "SET ROLE pilothouse_worker",
  ];
  expect(await listAllowed(refused, (statement) => run(ground().web, statement, own))).toEqual([]);
  const elsewhere = `INSERT INTO events (tenant_id, type, object_kind, object_id, object_name) VALUES ('${stranger}', 't', 'k', 'i', 'n')`;
  await expect(run(ground().web, elsewhere, own)).rejects.toThrow("row-level security");
  await expect(run(ground().web, `UPDATE control_planes SET tenant_id = '${stranger}'`, own)).rejects.toThrow(
    /row-level security|foreign key/,
  );
  expect(await run(ground().web, "UPDATE control_planes SET replicas = 5", stranger)).toBe(0);
  expect(await run(ground().web, `UPDATE revisions SET replicas = 5 WHERE id = '${revision}'`, stranger)).toBe(0);
});

test("how much a tenant has is counted for itself and for the platform, and for no other tenant", async () => {
  const { tenant } = await fill();
  const own = tenant.actor.tenantId ?? "";
  const stranger = (await makeTenant(ground())).actor.tenantId ?? "";
  const count = (setting: string, value: string) =>
    ground().web.$transaction(async (transaction) => {
      await transaction.$executeRaw`SELECT set_config(${setting}, ${value}, true)`;
      return transaction.$queryRaw<{ clusters: number }[]>`SELECT * FROM count_tenant_use(ARRAY[${own}::uuid])`;
    });
  expect(await count("pilothouse.tenant", own)).toMatchObject([{ clusters: 1, control_planes: 1, revisions: 1 }]);
  expect(await count("pilothouse.platform", "on")).toMatchObject([{ clusters: 1 }]);
  expect(await count("pilothouse.tenant", stranger)).toEqual([]);
  await expect(ground().worker.$queryRaw`SELECT * FROM count_tenant_use(ARRAY[${own}::uuid])`).rejects.toThrow(
    "permission denied",
  );
});

test("a tenant's own limits are the platform's to set", async () => {
  const tenant = (await makeTenant(ground())).actor.tenantId ?? "";
  const raise = ground().web.$transaction(async (transaction) => {
    await transaction.$executeRaw`SELECT set_config('pilothouse.tenant', ${tenant}, true)`;
    return transaction.$executeRaw`UPDATE tenants SET clusters_limit = 9999`;
  });
  await expect(raise).rejects.toThrow("row-level security");
});

test("the worker role acts for every tenant, on its own tables alone", async () => {
  await fill();
  const refused = [
    "SELECT * FROM api_keys",
    "SELECT id FROM api_keys",
    "SELECT * FROM users",
    "SELECT * FROM memberships",
    "SELECT body FROM idempotency_keys",
    "SELECT * FROM audit_entries",
    "UPDATE istiod_clusters SET reserved_slots = 0",
    "UPDATE istiod_clusters SET schedulable = true",
    "INSERT INTO control_planes (id, tenant_id, name, cluster_id, version) SELECT gen_random_uuid(), tenant_id, 'x', cluster_id, version FROM control_planes",
    "INSERT INTO tenants (id, name, display_name) VALUES (gen_random_uuid(), 'x', 'x')",
    "UPDATE tenants SET name = 'x'",
    "SELECT * FROM authenticate_api_key('\\x00')",
    "SET ROLE pilothouse_web",
    "CREATE TABLE mine (id int)",
  ];
  expect(await listAllowed(refused, (statement) => run(ground().worker, statement))).toEqual([]);
  expect(await ground().worker.controlPlane.count()).toBe(await ground().owner.controlPlane.count());
  expect(await ground().worker.sealedSecret.count()).toBe(await ground().owner.sealedSecret.count());
});

test("the database enforces lines and single operations by itself", async () => {
  const { tenant, revision, operation } = await fill();
  const { owner } = ground();
  const other = await makeIstiodCluster(ground(), { line: "1.22" });
  const where = { id: revision };
  await expect(owner.revision.update({ where, data: { istiodClusterName: other } })).rejects.toThrow(
    "revisions_istiod_cluster_line_fkey",
  );
  await expect(owner.revision.update({ where, data: { versionName: "1.22-dev" } })).rejects.toThrow(
    "revisions_version_line_fkey",
  );
  const { id: _, ...row } = await owner.operation.findUniqueOrThrow({ where: { id: operation } });
  await expect(owner.operation.create({ data: { ...row, id: randomUUID() } })).rejects.toThrow("operations_one_live");
  await expect(owner.istiodCluster.update({ where: { name: other }, data: { reservedSlots: 101 } })).rejects.toThrow(
    "istiod_clusters_capacity",
  );
  await owner.revision.delete({ where: { id: revision } });
  expect((await listRevisions(tenant, { controlPlane: "mesh", limit: 1 })).items).toEqual([]);
});
