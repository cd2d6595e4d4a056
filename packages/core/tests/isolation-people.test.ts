import { expect, test } from "vitest";
import {
  acceptInvitation,
  addMember,
  createUser,
  type Database,
  listMembers,
  openSession,
  sampleUsage,
  saveIstiodLoads,
  saveWorkerReport,
} from "../src/index.ts";
import { asPlatform, makeIstiodCluster, makeName, makeTenant, useGround } from "./support/fixture.ts";

const ground = useGround();
const password = "a long enough password";
const requestId = "test";

interface Sight {
  tenant?: string;
  user?: string;
  platform?: boolean;
}

/** Runs one statement as a role in somebody's transaction, and answers its rows. */
function look(database: Database, sight: Sight, statement: string): Promise<Record<string, unknown>[]> {
  return database.$transaction(async (transaction) => {
    const { tenant = "", user = "", platform = false } = sight;
    await transaction.$executeRaw`
      SELECT set_config('pilothouse.tenant', ${tenant}, true), set_config('pilothouse.user', ${user}, true),
        set_config('pilothouse.platform', ${platform ? "on" : ""}, true)`;
    return transaction.$queryRawUnsafe(statement);
  });
}

async function makePerson(): Promise<{ id: string; email: string; sessionId: string }> {
  const email = `${makeName("person")}@example.org`;
  const { body } = await createUser(asPlatform(ground()), { email, displayName: "P" });
  await acceptInvitation(ground().web, { token: body.invitation?.token ?? "", password, requestId });
  const session = await openSession(ground().web, { userId: body.id, userAgent: "", from: "", requestId });
  return { id: body.id, email, sessionId: session.id };
}

test("every table of the schema is guarded, also from its owner's functions, but for what all may read and counters", async () => {
  const rows = await ground().owner.$queryRaw<{ name: string }[]>`
    SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
      AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY 1`;
  const open = ["istiod_clusters", "regions", "sealing_keys", "seeds", "version_lines", "versions"];
  expect(rows.map(({ name }) => name)).toEqual(["_prisma_migrations", ...open, "sign_in_limits"].toSorted());
});

test("sessions are their person's alone, whatever else a transaction may see", async () => {
  const [one, other] = [await makePerson(), await makePerson()];
  const tenant = (await makeTenant(ground())).actor.tenantId ?? "";
  const list = async (sight: Sight) => (await look(ground().web, sight, "SELECT id FROM sessions")).map(({ id }) => id);
  expect(await list({ user: one.id })).toEqual([one.sessionId]);
  for (const sight of [{}, { tenant }, { platform: true }, { tenant, platform: true }])
    expect([sight, await list(sight)]).toEqual([sight, []]);
  const end = (sight: Sight) =>
    look(ground().web, sight, `UPDATE sessions SET revoked_at = now() WHERE id = '${other.sessionId}' RETURNING id`);
  for (const sight of [{}, { user: one.id }, { platform: true }]) expect(await end(sight)).toEqual([]);
  const steal = `INSERT INTO sessions (id, user_id, expires_at) VALUES (gen_random_uuid(), '${other.id}', now() + interval '1 day')`;
  for (const sight of [{}, { user: one.id }, { platform: true }])
    await expect(look(ground().web, sight, steal)).rejects.toThrow("row-level security");
});

test("a person sees and changes itself alone, and a tenant changes nobody", async () => {
  const [one, other] = [await makePerson(), await makePerson()];
  const tenant = await makeTenant(ground());
  await addMember(tenant, { email: other.email, displayName: "", role: "viewer" });
  const tenantId = tenant.actor.tenantId ?? "";
  const seen = await look(ground().web, { user: one.id }, "SELECT email FROM users");
  expect(seen).toEqual([{ email: one.email }]);
  for (const change of ["display_name = 'mine'", "password_hash = 'x'", "is_operator = true"]) {
    const statement = `UPDATE users SET ${change} WHERE id = '${other.id}' RETURNING id`;
    for (const sight of [{}, { user: one.id }, { tenant: tenantId }])
      expect([change, sight, await look(ground().web, sight, statement)]).toEqual([change, sight, []]);
  }
});

test.each([
  "SELECT password_hash FROM users",
  "SELECT * FROM users",
  "INSERT INTO users (id, email) VALUES (gen_random_uuid(), 'a@b')",
  "UPDATE users SET email = 'a@b'",
  "DELETE FROM users",
  "SELECT * FROM invitations",
  "UPDATE invitations SET expires_at = now()",
  "DELETE FROM invitations",
  "DELETE FROM sessions",
  "UPDATE sessions SET expires_at = now() + interval '1 year'",
  "UPDATE sessions SET user_id = gen_random_uuid()",
  "UPDATE memberships SET accepted_at = now()",
  "UPDATE memberships SET user_id = gen_random_uuid()",
  "INSERT INTO memberships (tenant_id, user_id, role, accepted_at) VALUES (current_tenant(), gen_random_uuid(), 'owner', now())",
  "INSERT INTO usage_samples SELECT * FROM usage_samples",
  "DELETE FROM usage_samples",
  "SELECT * FROM istiod_loads",
  "UPDATE worker_reports SET report = '{}'",
])("the web role may not: %s", async (statement) => {
  const tenant = (await makeTenant(ground())).actor.tenantId ?? "";
  const { id: user } = await makePerson();
  await expect(look(ground().web, { tenant, user, platform: true }, statement)).rejects.toThrow("permission denied");
});

test("an invitation is made for one's own invited members alone", async () => {
  const [mine, theirs] = [await makeTenant(ground()), await makeTenant(ground())];
  const { body: member } = await addMember(theirs, {
    email: `${makeName("m")}@example.org`,
    displayName: "",
    role: "owner",
  });
  const person = await makePerson();
  const invite = (userId: string, tenantId: string | null) =>
    `INSERT INTO invitations (hash, user_id, tenant_id, expires_at)
     VALUES (sha256(gen_random_uuid()::text::bytea), '${userId}', ${tenantId === null ? "NULL" : `'${tenantId}'`}, now() + interval '1 day')`;
  const tenant = mine.actor.tenantId ?? "";
  const refused = [
    invite(member.id, theirs.actor.tenantId),
    invite(member.id, tenant),
    invite(person.id, tenant),
    invite(person.id, null),
  ];
  for (const statement of refused)
    await expect(look(ground().web, { tenant, user: person.id }, statement)).rejects.toThrow("row-level security");
});

test("what operators see is no tenant's and no person's", async () => {
  const { web, worker } = ground();
  await makeIstiodCluster(ground());
  await sampleUsage(worker);
  await saveIstiodLoads(worker, [{ revisionId: "r", proxies: 1, cpuMilli: 1, memoryMib: 1 }]);
  await saveWorkerReport(worker, "w", {
    running: 0,
    sentinels: 0,
    corrections: 0,
    lostLeases: 0,
    retries: { cluster: 0, revision: 0 },
    breakers: [],
  });
  const tenant = await makeTenant(ground());
  await addMember(tenant, { email: `${makeName("m")}@example.org`, displayName: "", role: "viewer" });
  const { id: user } = await makePerson();
  const statements = [
    "SELECT istiod_cluster FROM usage_samples",
    "SELECT id FROM worker_reports",
    "SELECT * FROM count_revisions()",
    "SELECT id FROM list_fleet_control_planes(NULL, NULL, 100, NULL, true)",
    "SELECT type FROM list_fleet_conditions(ARRAY(SELECT id FROM revisions), NULL)",
    "SELECT id FROM read_fleet_events(0, 0, 100)",
    "SELECT id FROM list_fleet_events(9223372036854775807, 0, 100)",
    "SELECT kind FROM measure_work()",
    "SELECT kind FROM list_fleet_work(false, 100)",
    "SELECT id FROM list_live_operations(100)",
  ];
  for (const statement of statements)
    for (const sight of [{}, { user }, { tenant: tenant.actor.tenantId ?? "", user }])
      expect([statement, sight, await look(web, sight, statement)]).toEqual([statement, sight, []]);
  for (const statement of [statements[0], statements[1], statements[6]])
    expect(await look(web, { platform: true }, statement ?? "")).not.toEqual([]);
  expect(await listMembers(tenant, { limit: 10 })).toMatchObject({ items: [{ isPending: true }] });
});

test("the worker reads nobody's session, invitation or address, and erases only what is over", async () => {
  const person = await makePerson();
  const list = (statement: string) => look(ground().worker, { user: person.id, platform: true }, statement);
  expect(await list(`SELECT id FROM sessions WHERE id = '${person.sessionId}'`)).toEqual([]);
  expect(await list(`DELETE FROM sessions WHERE id = '${person.sessionId}' RETURNING id`)).toEqual([]);
  await createUser(asPlatform(ground()), { email: person.email, displayName: "" });
  expect(await list(`DELETE FROM invitations WHERE user_id = '${person.id}' RETURNING hash`)).toEqual([]);
  for (const refused of ["SELECT key FROM sign_in_limits", "SELECT email FROM users", "SELECT * FROM audit_entries"])
    await expect(list(refused)).rejects.toThrow("permission denied");
  for (const call of ["find_sign_in('a')", "authenticate_session(gen_random_uuid())", "find_invitation('\\x00')"])
    await expect(list(`SELECT * FROM ${call}`)).rejects.toThrow("permission denied");
});
