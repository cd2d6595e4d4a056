import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import {
  acceptInvitation,
  authenticateSession,
  changePassword,
  checkPassword,
  createUser,
  eraseExpired,
  findInvitation,
  listPlatformAuditEntries,
  listSessions,
  openSession,
  recordRefusedSignIn,
  revokeSession,
} from "../src/index.ts";
import { asPlatform, catchRefusal, makeName, useGround } from "./support/fixture.ts";

const ground = useGround();
const requestId = "test";
const password = "a long enough password";

async function invite(more: { isOperator?: boolean; email?: string } = {}): Promise<{ email: string; token: string }> {
  const { email = `${makeName("person")}@example.org` } = more;
  const { body } = await createUser(asPlatform(ground()), { displayName: "P", ...more, email });
  if (body.invitation === null) throw new Error("no invitation");
  return { email, token: body.invitation.token };
}

async function makePerson(): Promise<{ email: string; userId: string }> {
  const { email, token } = await invite();
  await acceptInvitation(ground().web, { token, password, requestId });
  const userId = (await checkPassword(ground().web, email, password)) ?? "";
  return { email, userId };
}

test("an invitation sets a password once, and its text is stored nowhere", async () => {
  const { web, owner } = ground();
  const { email, token } = await invite();
  expect(await findInvitation(web, token)).toMatchObject({ email, needsPassword: true, tenant: null });
  expect(await checkPassword(web, email, password)).toBeUndefined();
  const stored = await owner.$queryRaw<{ text: string }[]>`SELECT i::text AS text FROM invitations i`;
  expect(stored.some(({ text }) => text.includes(token))).toBe(false);
  await acceptInvitation(web, { token, password, requestId });
  expect(await checkPassword(web, ` ${email.toUpperCase()} `, password)).toMatch(/^[0-9a-f-]{36}$/);
  expect(await checkPassword(web, email, `${password}x`)).toBeUndefined();
  const refusal = await catchRefusal(acceptInvitation(web, { token, password: "another long password", requestId }));
  expect(refusal.code).toBe("NotFound");
  expect(await checkPassword(web, email, password)).toBeDefined();
});

test("of two that accept the same invitation at once, one does", async () => {
  const { token } = await invite();
  const tries = [1, 2].map((n) => acceptInvitation(ground().web, { token, password: `${password} ${n}`, requestId }));
  const ended = await Promise.allSettled(tries);
  expect(ended.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
});

test("an invitation that is over sets nothing", async () => {
  const { token } = await invite();
  await ground().owner.$executeRaw`UPDATE invitations SET expires_at = now() - interval '1 second'`;
  expect((await catchRefusal(findInvitation(ground().web, token))).code).toBe("NotFound");
  expect((await catchRefusal(acceptInvitation(ground().web, { token, password, requestId }))).code).toBe("NotFound");
});

test.each(["short", "x".repeat(201)])("a password of the wrong length uses no invitation up (%#)", async (bad) => {
  const { token } = await invite();
  const refusal = await catchRefusal(acceptInvitation(ground().web, { token, password: bad, requestId }));
  expect([refusal.code, refusal.parameter]).toEqual(["InvalidField", "password"]);
  await findInvitation(ground().web, token);
});

test("a session holds until it is revoked or over, and is its person's alone", async () => {
  const { web, owner } = ground();
  const [{ userId, email }, other] = [await makePerson(), await makePerson()];
  const session = await openSession(web, { userId, userAgent: "x".repeat(999), from: "192.0.2.1", requestId });
  expect(await authenticateSession(web, session.id)).toMatchObject({ userId, email, isOperator: false });
  expect(await listSessions(web, { userId, current: session.id })).toMatchObject([{ id: session.id, isCurrent: true }]);
  expect(await listSessions(web, { userId: other.userId, current: undefined })).toEqual([]);
  expect(
    (await catchRefusal(revokeSession(web, { userId: other.userId, id: session.id, isOwn: true, requestId }))).code,
  ).toBe("NotFound");
  await revokeSession(web, { userId, id: session.id, isOwn: true, requestId });
  expect(await authenticateSession(web, session.id)).toBeUndefined();
  expect(await listSessions(web, { userId, current: undefined })).toEqual([]);
  const late = await openSession(web, { userId, userAgent: "", from: "192.0.2.1", requestId });
  await owner.session.update({ where: { id: late.id }, data: { expiresAt: new Date(Date.now() - 1_000) } });
  expect(await authenticateSession(web, late.id)).toBeUndefined();
  expect(await authenticateSession(web, randomUUID())).toBeUndefined();
});

test("changing a password ends all other sessions, and wants the old one", async () => {
  const { web } = ground();
  const { userId, email } = await makePerson();
  const [mine, theirs] = [
    await openSession(web, { userId, userAgent: "", from: "192.0.2.1", requestId }),
    await openSession(web, { userId, userAgent: "", from: "192.0.2.1", requestId }),
  ];
  const person = { userId, email, sessionId: mine.id };
  const next = "another long password";
  const refusal = await catchRefusal(
    changePassword(web, person, { current: "a wrong old password", password: next, requestId }),
  );
  expect([refusal.code, refusal.parameter]).toEqual(["InvalidField", "current"]);
  expect(await authenticateSession(web, theirs.id)).toBeDefined();
  await changePassword(web, person, { current: password, password: next, requestId });
  expect(await authenticateSession(web, mine.id)).toBeDefined();
  expect(await authenticateSession(web, theirs.id)).toBeUndefined();
  expect(await checkPassword(web, email, password)).toBeUndefined();
  expect(await checkPassword(web, email, next)).toBe(userId);
});

test("a new invitation of the platform sets a password anew, and ends what was open with the old one", async () => {
  const { web } = ground();
  const { userId, email } = await makePerson();
  const session = await openSession(web, { userId, userAgent: "", from: "192.0.2.1", requestId });
  const { token } = await invite({ email });
  expect(await authenticateSession(web, session.id)).toBeDefined();
  await acceptInvitation(web, { token, password: "another long password", requestId });
  expect(await authenticateSession(web, session.id)).toBeUndefined();
  expect(await checkPassword(web, email, password)).toBeUndefined();
});

test("who becomes an operator proves anew to be that person", async () => {
  const { web } = ground();
  const { userId, email } = await makePerson();
  const session = await openSession(web, { userId, userAgent: "", from: "192.0.2.1", requestId });
  const { token } = await invite({ email, isOperator: true });
  expect(await authenticateSession(web, session.id)).toBeUndefined();
  expect(await checkPassword(web, email, password)).toBeUndefined();
  await acceptInvitation(web, { token, password, requestId });
  const again = await openSession(web, { userId, userAgent: "", from: "192.0.2.1", requestId });
  expect(await authenticateSession(web, again.id)).toMatchObject({ isOperator: true });
  // Asked for once more, nothing ends.
  await invite({ email, isOperator: true });
  expect(await authenticateSession(web, again.id)).toBeDefined();
});

test("who becomes an operator gets in by the invitation that comes with it alone", async () => {
  const { email, token: older } = await invite();
  const { token } = await invite({ email, isOperator: true });
  const refusal = await catchRefusal(acceptInvitation(ground().web, { token: older, password, requestId }));
  expect(refusal.code).toBe("NotFound");
  await acceptInvitation(ground().web, { token, password, requestId });
});

/** What the audit has of a person, the oldest first. */
async function readDeeds(userId: string): Promise<[string, string, unknown][]> {
  const { items } = await listPlatformAuditEntries(asPlatform(ground()), { limit: 100 });
  const own = items.filter(({ object }) => object.id === userId && object.kind === "user");
  return own.toReversed().map(({ verb, actor, details }) => [verb, actor.kind, details]);
}

test("what somebody does with an account of its own is in the platform's audit, without secrets", async () => {
  const { web } = ground();
  const { userId, email } = await makePerson();
  const session = { userId, userAgent: "browser", from: "192.0.2.1", requestId };
  const [mine, other, last] = [
    await openSession(web, session),
    await openSession(web, session),
    await openSession(web, session),
  ];
  for (let again = 0; again < 2; again += 1)
    await revokeSession(web, { userId, id: other.id, isOwn: false, requestId });
  await revokeSession(web, { userId, id: last.id, isOwn: true, requestId });
  const person = { userId, email, sessionId: mine.id };
  await changePassword(web, person, { current: password, password: "another long password", requestId });
  const signIn = ["signIn", "user", { from: "192.0.2.1", userAgent: "browser" }];
  expect((await readDeeds(userId)).slice(1)).toEqual([
    ["acceptInvitation", "user", null],
    signIn,
    signIn,
    signIn,
    ["revokeSession", "user", { userAgent: "browser" }],
    ["signOut", "user", { userAgent: "browser" }],
    ["changePassword", "user", null],
  ]);
});

test("of refused tries to sign in the first of each kind is written down, and none for an address of nobody", async () => {
  const { web, owner } = ground();
  const { userId, email } = await makePerson();
  const refuse = (reason: "WrongPassword" | "TooManyTries", address = email) =>
    recordRefusedSignIn(web, { email: address, reason, from: "192.0.2.1", requestId });
  const read = async () => (await readDeeds(userId)).filter(([verb]) => verb === "refuseSignIn");
  for (let tries = 0; tries < 3; tries += 1) await refuse("WrongPassword", email.toUpperCase());
  for (let tries = 0; tries < 3; tries += 1) await refuse("TooManyTries");
  const of = (reason: string) => ["refuseSignIn", "visitor", { reason, from: "192.0.2.1" }];
  expect(await read()).toEqual([of("WrongPassword"), of("TooManyTries")]);
  const before = await owner.auditEntry.count();
  await refuse("WrongPassword", "a password typed here");
  expect(await owner.auditEntry.count()).toBe(before);
  await owner.$executeRaw`UPDATE audit_entries SET at = at - interval '16 minutes' WHERE object_id = ${userId}`;
  await refuse("WrongPassword");
  expect(await read()).toHaveLength(3);
});

test("sessions and invitations that have had their time are erased, and no others", async () => {
  const { web, worker, owner } = ground();
  const { userId } = await makePerson();
  const session = { userId, userAgent: "", from: "", requestId };
  const [open, over, revoked] = [
    await openSession(web, session),
    await openSession(web, session),
    await openSession(web, session),
  ];
  await owner.session.update({ where: { id: over.id }, data: { expiresAt: new Date(Date.now() - 1_000) } });
  await revokeSession(web, { userId, id: revoked.id, isOwn: true, requestId });
  const { token } = await invite();
  await invite({ email: "late@example.org" });
  await owner.$executeRaw`
    UPDATE invitations SET expires_at = now() - interval '1 second' WHERE user_id = (SELECT id FROM users WHERE email = 'late@example.org')`;
  const erased = await eraseExpired(worker);
  expect(erased.sessions).toBeGreaterThanOrEqual(2);
  expect(erased.invitations).toBeGreaterThanOrEqual(1);
  const left = await owner.session.findMany({ where: { userId } });
  expect(left.map(({ id }) => id)).toEqual([open.id]);
  await findInvitation(web, token);
  expect(await eraseExpired(worker)).toMatchObject({ sessions: 0, invitations: 0 });
});

test("nobody makes an operator of himself, not even by a fault of the application", async () => {
  const { userId } = await makePerson();
  const { web } = ground();
  const attempt = web.$transaction(async (transaction) => {
    await transaction.$executeRaw`SELECT set_config('pilothouse.user', ${userId}, true)`;
    await transaction.user.updateMany({ where: { id: userId }, data: { isOperator: true } });
  });
  await expect(attempt).rejects.toThrow(/nobody makes an operator of himself/);
});

test("whether an address is known shows neither in the answer nor in the time it takes", async () => {
  const { web } = ground();
  const { email } = await makePerson();
  const pending = await invite();
  const measure = async (address: string): Promise<number> => {
    const times: number[] = [];
    for (let tries = 0; tries < 2; tries += 1) {
      const from = performance.now();
      expect(await checkPassword(web, address, "a wrong long password")).toBeUndefined();
      times.push(performance.now() - from);
    }
    return Math.min(...times);
  };
  const known = await measure(email);
  // Hashing is nearly all of it: without it an answer would take a hundredth.
  for (const address of ["nobody@example.org", pending.email]) {
    expect(await measure(address)).toBeGreaterThan(known / 3);
  }
});
