import { randomUUID } from "node:crypto";
import type { NewMember, TenantRole } from "@pilothouse/contract";
import { expect, test } from "vitest";
import {
  acceptInvitation,
  addMember,
  addTenantMember,
  authenticateSession,
  changeMember,
  checkPassword,
  createUser,
  findInvitation,
  getMember,
  joinTenant,
  listAuditEntries,
  listEvents,
  listMembers,
  openSession,
  removeMember,
} from "../src/index.ts";
import {
  asPlatform,
  catchRefusal,
  makeName,
  makeTenant,
  type TestContext,
  useGround,
  withKey,
  withRole,
} from "./support/fixture.ts";

const ground = useGround();
const requestId = "test";
const password = "a long enough password";
const makeEmail = (): string => `${makeName("member")}@example.org`;

async function add(tenant: TestContext, role: TenantRole, email = makeEmail()): Promise<NewMember & { token: string }> {
  const { body } = await addMember(tenant, { email, displayName: "M", role });
  return { ...body, token: body.invitation?.token ?? "" };
}

/** Invites somebody new, who comes in. */
async function makeMember(tenant: TestContext, role: TenantRole): Promise<NewMember> {
  const member = await add(tenant, role);
  await acceptInvitation(ground().web, { token: member.token, password, requestId });
  return member;
}

async function listPlaces(userId: string): Promise<string[]> {
  const session = await openSession(ground().web, { userId, userAgent: "", from: "", requestId: "test" });
  const person = await authenticateSession(ground().web, session.id);
  return person?.memberships.map(({ tenant }) => tenant) ?? [];
}

test("somebody new is invited, sets a password, and is a member then", async () => {
  const tenant = await makeTenant(ground());
  const member = await add(tenant, "operator");
  expect(member).toMatchObject({ role: "operator", isPending: true, displayName: "" });
  expect(await listPlaces(member.id)).toEqual([]);
  expect(await findInvitation(ground().web, member.token)).toMatchObject({
    email: member.email,
    needsPassword: true,
    tenant: { name: tenant.actor.tenantName },
  });
  await acceptInvitation(ground().web, { token: member.token, password, requestId });
  expect(await listPlaces(member.id)).toEqual([tenant.actor.tenantName]);
  expect(await getMember(tenant, { id: member.id })).toMatchObject({ isPending: false, displayName: "M" });
  const events = await listEvents(tenant, { limit: 10 });
  expect(events.items.map(({ type }) => type)).toEqual(["member.changed", "member.created"]);
  const { items } = await listAuditEntries(tenant, { limit: 10 });
  expect(items.map(({ verb, actor }) => [verb, actor.kind, actor.name])).toEqual([
    ["joinTenant", "user", member.email],
    ["addMember", "key", null],
  ]);
});

test("who has a password joins by signing in, and only with an invitation of his own", async () => {
  const [home, other] = [await makeTenant(ground()), await makeTenant(ground())];
  const [person, stranger] = [await makeMember(home, "viewer"), await makeMember(home, "viewer")];
  const { token } = await add(other, "viewer", person.email);
  expect(await listPlaces(person.id)).toEqual([home.actor.tenantName]);
  const refusal = await catchRefusal(
    acceptInvitation(ground().web, { token, password: "stolen password!", requestId }),
  );
  expect(refusal.code).toBe("PasswordIsSet");
  expect(await checkPassword(ground().web, person.email, password)).toBe(person.id);
  const join = (userId: string) => joinTenant(ground().web, { userId, token, requestId });
  expect((await catchRefusal(join(stranger.id))).code).toBe("NotFound");
  expect(await join(person.id)).toMatchObject({ tenant: other.actor.tenantName, role: "viewer" });
  expect((await catchRefusal(join(person.id))).code).toBe("NotFound");
  expect((await listPlaces(person.id)).toSorted()).toEqual(
    [home.actor.tenantName ?? "", other.actor.tenantName ?? ""].toSorted(),
  );
});

test("an account that somebody else made in a person's name gets nowhere", async () => {
  const [thief, victim] = [await makeTenant(ground()), await makeTenant(ground())];
  const email = makeEmail();
  const invited = await add(victim, "admin", email);
  const stolen = await add(thief, "viewer", email);
  await acceptInvitation(ground().web, { token: stolen.token, password, requestId });
  expect(await listPlaces(invited.id)).toEqual([thief.actor.tenantName]);
  expect((await catchRefusal(acceptInvitation(ground().web, { token: invited.token, password, requestId }))).code).toBe(
    "PasswordIsSet",
  );
});

test("a tenant's invitation makes nobody an operator", async () => {
  const tenant = await makeTenant(ground());
  const email = makeEmail();
  const { body } = await createUser(asPlatform(ground()), { email, displayName: "O", isOperator: true });
  const { token } = await add(tenant, "viewer", email);
  expect((await catchRefusal(acceptInvitation(ground().web, { token, password, requestId }))).code).toBe(
    "PasswordIsSet",
  );
  await acceptInvitation(ground().web, { token: body.invitation?.token ?? "", password, requestId });
  expect(await joinTenant(ground().web, { userId: body.id, token, requestId })).toMatchObject({ role: "viewer" });
});

test("the answer to an invitation is the same whether there is such a person or not", async () => {
  const [home, other] = [await makeTenant(ground()), await makeTenant(ground())];
  const known = await makeMember(home, "viewer");
  const [a, b] = [await add(other, "viewer", known.email), await add(other, "viewer")];
  const shape = ({ role, displayName, isPending, generation }: NewMember) => ({
    role,
    displayName,
    isPending,
    generation,
  });
  expect(shape(a)).toEqual(shape(b));
  expect((await catchRefusal(add(other, "viewer", known.email))).code).toBe("AlreadyExists");
});

test("an invitation that was taken back leads nowhere", async () => {
  const tenant = await makeTenant(ground());
  const member = await add(tenant, "viewer");
  await removeMember(tenant, { id: member.id });
  expect((await catchRefusal(findInvitation(ground().web, member.token))).code).toBe("NotFound");
  expect((await catchRefusal(getMember(tenant, { id: member.id }))).code).toBe("NotFound");
  await add(tenant, "viewer", member.email);
});

test("nobody hands out or takes away a role above his own", async () => {
  const owner = await makeTenant(ground());
  const admin = withRole(owner, "admin");
  const boss = await makeMember(owner, "owner");
  const mate = await makeMember(owner, "operator");
  const forbidden: (() => Promise<unknown>)[] = [
    () => add(admin, "owner"),
    () => changeMember(admin, { id: mate.id, ifMatch: "*", body: { role: "owner" } }),
    () => changeMember(admin, { id: boss.id, ifMatch: "*", body: { role: "viewer" } }),
    () => removeMember(admin, { id: boss.id }),
    () => add(withRole(owner, "operator"), "viewer"),
  ];
  for (const attempt of forbidden) expect((await catchRefusal(attempt())).code).toBe("Forbidden");
  const { body, etag } = await changeMember(admin, { id: mate.id, ifMatch: '"1"', body: { role: "admin" } });
  expect([body.role, body.generation, etag]).toEqual(["admin", 2, '"2"']);
  const late = changeMember(admin, { id: mate.id, ifMatch: '"1"', body: { role: "viewer" } });
  expect((await catchRefusal(late)).code).toBe("PreconditionFailed");
});

test("the last who administers stays, also when two leave at once", async () => {
  const tenant = await makeTenant(ground());
  const [a, b] = [await makeMember(tenant, "owner"), await makeMember(tenant, "admin")];
  // Invited only, so nobody who could administer anything.
  await add(tenant, "owner");
  const ended = await Promise.allSettled([
    removeMember(tenant, { id: a.id }),
    changeMember(tenant, { id: b.id, ifMatch: "*", body: { role: "viewer" } }),
  ]);
  expect(ended.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
  const failed = ended.find((one) => one.status === "rejected");
  expect(failed?.reason).toMatchObject({ code: "LastAdmin" });
});

test("members are listed page by page, and another tenant's are not there", async () => {
  const tenant = await makeTenant(ground());
  const made = [];
  for (let number = 0; number < 3; number += 1) made.push((await add(tenant, "viewer")).id);
  const first = await listMembers(tenant, { limit: 2 });
  const second = await listMembers(tenant, { limit: 2, cursor: first.nextCursor ?? "" });
  expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(made.toReversed());
  expect(second.nextCursor).toBeNull();
  const stranger = await makeTenant(ground());
  expect((await listMembers(stranger, { limit: 50 })).items).toEqual([]);
  const id = made[0] ?? "";
  for (const attempt of [
    () => getMember(stranger, { id }),
    () => removeMember(stranger, { id }),
    () => changeMember(stranger, { id, ifMatch: "*", body: { role: "owner" } }),
  ])
    expect((await catchRefusal(attempt())).code).toBe("NotFound");
});

test("the platform invites a tenant's first member, once for each Idempotency-Key", async () => {
  const tenant = await makeTenant(ground());
  const context = withKey(asPlatform(ground()), randomUUID(), "first");
  const input = {
    tenant: tenant.actor.tenantName ?? "",
    body: { email: makeEmail(), displayName: "F", role: "owner" as const },
  };
  const first = await addTenantMember(context, input);
  const again = await addTenantMember(context, input);
  expect(again).toMatchObject({ replayed: true, body: { ...first.body, invitation: null } });
  expect((await listMembers(tenant, { limit: 5 })).items).toMatchObject([{ role: "owner", isPending: true }]);
  const nowhere = addTenantMember(asPlatform(ground()), { ...input, tenant: "none" });
  expect((await catchRefusal(nowhere)).code).toBe("NotFound");
});

test("a person's Idempotency-Key is for one request, in whichever tenant it is made", async () => {
  const [one, other] = [await makeTenant(ground()), await makeTenant(ground())];
  const key = randomUUID();
  const as = ({ actor, ...context }: TestContext): TestContext => ({
    ...withKey({ ...context, actor: { ...actor, principal: { kind: "user", id: personId } } }, key, "same"),
    wakes: [],
  });
  const personId = randomUUID();
  await addMember(as(one), { email: makeEmail(), displayName: "", role: "viewer" });
  const refusal = await catchRefusal(addMember(as(other), { email: makeEmail(), displayName: "", role: "viewer" }));
  expect(refusal.code).toBe("IdempotencyKeyReused");
  expect((await listMembers(other, { limit: 5 })).items).toEqual([]);
});

test("the application can't say that somebody has come in", async () => {
  const tenant = await makeTenant(ground());
  const member = await add(tenant, "viewer");
  const attempt = ground().web.$transaction(async (transaction) => {
    await transaction.$executeRaw`SELECT set_config('pilothouse.tenant', ${tenant.actor.tenantId}, true)`;
    await transaction.$executeRaw`UPDATE memberships SET accepted_at = now() WHERE user_id = ${member.id}::uuid`;
  });
  await expect(attempt).rejects.toThrow(/permission denied/);
});
