import { fleetEventNoticeSchema, operations } from "@pilothouse/contract";
import { encode } from "next-auth/jwt";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { makePerson, password, signIn, signOut, trySignIn } from "./support/people.ts";
import { portalUrl, startWeb } from "./support/web-server.ts";
import { makeTenant, openWorld, type World } from "./support/world.ts";

let world: World;
let key = "";
let people = 0;

beforeAll(async () => {
  world = await openWorld();
  key = (await makeTenant(world, "shop")).owner;
});

afterAll(async () => {
  await world.close();
});

async function makeMember(role = "viewer"): Promise<{ email: string; id: string }> {
  people += 1;
  const email = `person${people}@example.org`;
  const { body } = await world.checker.succeed(operations.addMember, {
    key,
    params: { tenant: "shop" },
    body: { email, role },
  });
  const { id, invitation } = z.object({ id: z.string(), invitation: z.object({ token: z.string() }) }).parse(body);
  await world.checker.succeed(operations.acceptInvitation, { body: { token: invitation.token, password } });
  return { email, id };
}

const listClusters = (headers: Record<string, string>) =>
  world.checker.request(operations.listClusters, { params: { tenant: "shop" }, headers });

test("somebody who signs in acts as a member, until signing out ends the session in the database", async () => {
  const { email } = await makeMember();
  const { headers } = await signIn(world.web.url, email);
  const me = await world.checker.request(operations.whoAmI, { headers });
  expect(me.body).toMatchObject({
    kind: "user",
    email,
    isPlatform: false,
    tenants: [{ name: "shop", role: "viewer" }],
  });
  expect((await listClusters(headers)).status).toBe(200);
  expect((await world.checker.request(operations.listTenants, { headers })).code).toBe("Forbidden");
  await signOut(world.web.url, headers);
  expect((await listClusters(headers)).code).toBe("Unauthenticated");
});

test("the cookie is for the portal's own pages alone, and no script reads it", async () => {
  const { email } = await makeMember();
  const answer = await fetch(`${world.web.url}/api/auth/csrf`);
  for (const line of answer.headers.getSetCookie()) expect(line).toMatch(/; HttpOnly; SameSite=(Strict|Lax)/i);
  const secure = await startWeb({ DATABASE_URL: world.database.web, PILOTHOUSE_URL: "https://portal.test" });
  const { cookies } = await trySignIn(secure.url, { email, password }, { origin: "https://portal.test" });
  expect([...cookies.keys()]).toContain("__Host-pilothouse-session");
  const again = await fetch(`${secure.url}/api/auth/csrf`);
  for (const line of again.headers.getSetCookie()) expect(line).toMatch(/^__Host-.*; HttpOnly; Secure/i);
  await secure.stop();
});

test.each([
  [{ origin: "https://elsewhere.test" }, "CrossOrigin"],
  [{ origin: "null" }, "CrossOrigin"],
  [{ "sec-fetch-site": "cross-site" }, "CrossOrigin"],
  [{ "sec-fetch-site": "same-site" }, "CrossOrigin"],
  [{ "sec-fetch-site": "same-origin" }, undefined],
  [{ "sec-fetch-site": "none" }, undefined],
  [{}, undefined],
])("a read with a cookie and %j is answered %s", async (headers, code) => {
  const { headers: own } = await signedIn();
  expect((await listClusters({ cookie: own.cookie, ...headers })).code).toBe(code);
});

test.each([
  [{}, "CrossOrigin"],
  [{ "sec-fetch-site": "same-origin" }, "CrossOrigin"],
  [{ origin: `${portalUrl}.elsewhere.test` }, "CrossOrigin"],
  [{ origin: portalUrl, "sec-fetch-site": "cross-site" }, "CrossOrigin"],
  [{ origin: portalUrl }, "Forbidden"],
])("a change with a cookie and %j is answered %s", async (headers, code) => {
  const { headers: own } = await signedIn();
  const answer = await world.checker.request(operations.connectCluster, {
    params: { tenant: "shop" },
    headers: { cookie: own.cookie, ...headers },
    body: {},
  });
  expect(answer.code).toBe(code);
});

test("a key is taken from anywhere, and comes before a cookie", async () => {
  const { headers } = await signedIn();
  const foreign = { ...headers, origin: "https://elsewhere.test" };
  const me = await world.checker.request(operations.whoAmI, { key, headers: foreign });
  expect(me.body).toMatchObject({ kind: "key" });
  expect((await world.checker.request(operations.whoAmI, { key: "plth_none", headers })).code).toBe("Unauthenticated");
});

let common: ReturnType<typeof signIn> | undefined;
/** One session for tests that only need some. */
async function signedIn(): ReturnType<typeof signIn> {
  common ??= makeMember().then(({ email }) => signIn(world.web.url, email));
  return common;
}

test("a cookie that was not sealed here, or names no session, lets nobody in", async () => {
  const make = async (secret: string, sessionId: string) => {
    const token = await encode({ token: { sub: sessionId, sessionId }, secret });
    return { cookie: `pilothouse-session=${token}`, origin: portalUrl };
  };
  const none = "01980000-0000-4000-8000-000000000000";
  for (const headers of [
    await make("another secret, just as long as the real one", none),
    await make("a secret of the tests alone, long enough", none),
    await make("a secret of the tests alone, long enough", "no uuid"),
    { cookie: "pilothouse-session=x", origin: portalUrl },
  ])
    expect((await listClusters(headers)).code).toBe("Unauthenticated");
});

test("a session that is revoked ends at once, with its streams", async () => {
  const { email } = await makeMember();
  const [one, other] = [await signIn(world.web.url, email), await signIn(world.web.url, email)];
  const stream = await fetch(`${world.web.url}/api/v1/tenants/shop/events`, {
    headers: { ...other.headers, accept: "text/event-stream" },
  });
  expect(stream.status).toBe(200);
  const { body } = await world.checker.request(operations.listSessions, { headers: one.headers });
  const { items } = z.object({ items: z.array(z.object({ id: z.string(), isCurrent: z.boolean() })) }).parse(body);
  expect(items.filter(({ isCurrent }) => isCurrent)).toHaveLength(1);
  expect(items).toHaveLength(2);
  const session = items.find(({ isCurrent }) => !isCurrent)?.id ?? "";
  const stranger = await signedIn();
  const revoke = (headers: Record<string, string>) =>
    world.checker.request(operations.revokeSession, { params: { session }, headers });
  expect((await revoke(stranger.headers)).code).toBe("NotFound");
  expect((await revoke(one.headers)).status).toBe(204);
  expect(await stream.text()).toContain('event: end\ndata: {"reason":"KeyRevoked"}');
  expect((await listClusters(other.headers)).code).toBe("Unauthenticated");
  expect((await listClusters(one.headers)).status).toBe(200);
});

test("a new password ends all other sessions", async () => {
  const { email } = await makeMember();
  const [mine, theirs] = [await signIn(world.web.url, email), await signIn(world.web.url, email)];
  const next = "another long password";
  const change = (current: string) =>
    world.checker.request(operations.changePassword, { headers: mine.headers, body: { current, password: next } });
  expect(await change("not the one there is")).toMatchObject({ code: "InvalidField", parameter: "current" });
  expect((await change(password)).status).toBe(204);
  expect((await listClusters(theirs.headers)).code).toBe("Unauthenticated");
  expect((await listClusters(mine.headers)).status).toBe(200);
  expect((await trySignIn(world.web.url, { email, password })).url).toContain("error=CredentialsSignin");
  await signIn(world.web.url, email, next);
});

test("who is no member any more sees nothing of the tenant, and the stream ends", async () => {
  const { email, id } = await makeMember();
  const { headers } = await signIn(world.web.url, email);
  const stream = await fetch(`${world.web.url}/api/v1/tenants/shop/events`, {
    headers: { ...headers, accept: "text/event-stream" },
  });
  await world.checker.succeed(operations.removeMember, { key, params: { tenant: "shop", member: id } });
  expect((await listClusters(headers)).code).toBe("NotFound");
  expect(await stream.text()).toContain("event: end");
});

test("a page is made for who may see it alone, under a policy of its own, and not when the session is over", async () => {
  await makeTenant(world, "rival");
  const { email } = await makeMember();
  const { headers } = await signIn(world.web.url, email);
  const open = (path: string, cookie = headers.cookie) =>
    fetch(`${world.web.url}${path}`, { headers: { cookie }, redirect: "manual" });
  const policies = new Set<string | null>();
  for (const [path, status] of [
    ["/tenants/shop", 200],
    ["/tenants/shop/settings", 200],
    ["/tenants/rival", 404],
    ["/tenants/none", 404],
    ["/admin", 404],
    ["/admin/tenants", 404],
    ["/favicon.ico", 404],
  ] as const) {
    const page = await open(path);
    expect([path, page.status]).toEqual([path, status]);
    const policy = page.headers.get("content-security-policy");
    expect(policy).toMatch(/script-src 'nonce-[A-Za-z0-9+/]{22}==' 'strict-dynamic';.*frame-ancestors 'none'$/);
    expect(policies.has(policy)).toBe(false);
    policies.add(policy);
    expect(page.headers.get("cache-control")).toContain("no-store");
    expect(await page.text()).not.toMatch(/<script(?![^>]* nonce=)/);
  }
  const [nobody, asked] = [await open("/tenants/shop?q=a", ""), "/sign-in?next=%2Ftenants%2Fshop%3Fq%3Da"];
  expect([nobody.status, nobody.headers.get("location")]).toEqual([307, asked]);
  await signOut(world.web.url, headers);
  const late = await open("/tenants/shop?q=a");
  expect([late.status, late.headers.get("location")]).toEqual([307, asked]);
});

test("an operator's session opens what belongs to the platform, and its stream names tenants", async () => {
  const email = "operator@example.org";
  await makePerson(world, email, { isOperator: true });
  const { headers } = await signIn(world.web.url, email);
  expect((await world.checker.request(operations.listFleetControlPlanes, { headers })).status).toBe(200);
  expect((await listClusters(headers)).code).toBe("NotFound");
  const stream = await fetch(`${world.web.url}/api/v1/admin/events`, {
    headers: { ...headers, accept: "text/event-stream" },
  });
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  await reader?.read();
  const { id } = await makeMember();
  let text = "";
  while (!text.slice(0, text.lastIndexOf("\n")).includes(id)) text += (await reader?.read())?.value ?? "";
  // Those of tests before may come, too.
  const notices = [...text.matchAll(/event: member.created\ndata: (.*)\n/g)].map(([, data = ""]) =>
    fleetEventNoticeSchema.parse(JSON.parse(data)),
  );
  const wanted = { tenant: "shop", object: { kind: "member", id } };
  expect(notices.find(({ object }) => object.id === id)).toMatchObject(wanted);
  await world.owner.query("UPDATE users SET is_operator = false WHERE email = $1", [email]);
  while (!text.includes("event: end")) text += (await reader?.read())?.value ?? "";
  expect((await world.checker.request(operations.listFleetControlPlanes, { headers })).code).toBe("Forbidden");
});
