import { operations } from "@pilothouse/contract";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { beginForm, makePerson, makePlace, password, signIn, signOut, trySignIn } from "./support/people.ts";
import { portalUrl } from "./support/web-server.ts";
import { makeTenant, openWorld, type World } from "./support/world.ts";

let world: World;
let people = 0;
/** Counted like any other, and refused before it is hashed. */
const tooLong = "x".repeat(201);

beforeAll(async () => {
  world = await openWorld();
  await makeTenant(world, "shop");
});

beforeEach(async () => {
  await world.owner.query("DELETE FROM sign_in_limits");
});

afterAll(async () => {
  await world.close();
});

async function makeSomebody(): Promise<{ email: string; id: string }> {
  people += 1;
  const email = `somebody${people}@example.org`;
  return { email, id: await makePerson(world, email) };
}

const attempt = (email: string, from: string, more: { password?: string; device?: string } = {}) =>
  trySignIn(world.web.url, { email, password: more.password ?? tooLong }, { "x-forwarded-for": from }, more.device);

test("wrong passwords and unknown addresses look the same, and both have to wait after ten tries", async () => {
  const { email } = await makeSomebody();
  const other = await makeSomebody();
  const place = makePlace();
  const answers = new Set<string>();
  for (const address of [email, "nobody@example.org"]) {
    for (let tries = 0; tries < 10; tries += 1) {
      const answer = await attempt(address, place, tries === 0 ? { password: "wrong" } : {});
      answers.add(`${answer.status} ${answer.url} ${[...answer.cookies.keys()].join()}`);
    }
  }
  expect([...answers]).toHaveLength(1);
  for (const address of [email, ` ${email.toUpperCase()}`, "nobody@example.org"]) {
    const { url, cookies } = await attempt(address, place, { password });
    expect(new URL(url).searchParams.get("error")).toMatch(/^TooManyTries:\d+$/);
    expect([...cookies.keys()]).not.toContain("pilothouse-session");
  }
  // Others are not kept out, and who gets in has all tries again.
  for (let round = 0; round < 2; round += 1) {
    for (let tries = 0; tries < 6; tries += 1) await attempt(other.email, place);
    expect((await attempt(other.email, place, { password })).cookies.has("pilothouse-session")).toBe(true);
  }
  const { rows } = await world.owner.query<{ key: string }>("SELECT key FROM sign_in_limits");
  expect(rows.filter(({ key }) => key.includes("@") || key.includes(place))).toEqual([]);
});

test("one place that tries many addresses has to wait, whatever it writes in front of what the proxy saw", async () => {
  const place = makePlace();
  for (let number = 0; number < 100; number += 1) await attempt(`none${number}@example.org`, `192.0.2.9, ${place}`);
  await world.owner.query("DELETE FROM sign_in_limits WHERE key LIKE 'all:%'");
  expect((await attempt("none100@example.org", place)).url).toContain("TooManyTries");
  expect((await attempt("none101@example.org", `1.2.3.4, ${place}`)).url).toContain("TooManyTries");
  expect((await attempt("none102@example.org", makePlace())).url).toContain("CredentialsSignin");
});

test("an office in which everybody signs in does not run out of tries", async () => {
  const { email } = await makeSomebody();
  const place = makePlace();
  for (let number = 0; number < 99; number += 1) await attempt(`none${number}@example.org`, place);
  for (let round = 0; round < 3; round += 1)
    expect((await attempt(email, place, { password })).cookies.has("pilothouse-session")).toBe(true);
});

test("strangers who try an address keep nobody out of a browser that its person has signed in with", async () => {
  const { email } = await makeSomebody();
  const { device } = await signIn(world.web.url, email);
  for (const place of [makePlace(), makePlace(), makePlace()])
    for (let tries = 0; tries < 10; tries += 1) await attempt(email, place);
  expect((await attempt(email, makePlace(), { password })).url).toContain("TooManyTries");
  expect((await attempt(email, makePlace(), { password, device })).cookies.has("pilothouse-session")).toBe(true);
  // That browser guesses no more often than others, and is known for this one person.
  for (let tries = 0; tries < 10; tries += 1) await attempt(email, makePlace(), { device });
  expect((await attempt(email, makePlace(), { device, password })).url).toContain("TooManyTries");
  const stranger = await makeSomebody();
  for (let tries = 0; tries < 30; tries += 1) await attempt(stranger.email, makePlace(), { device });
  expect((await attempt(stranger.email, makePlace(), { device, password })).url).toContain("TooManyTries");
});

test("made up invitations, and wrong current passwords, keep nobody from signing in", async () => {
  const { email } = await makeSomebody();
  const { headers } = await signIn(world.web.url, email);
  for (let number = 0; number < 120; number += 1) {
    const { code } = await world.checker.request(operations.acceptInvitation, {
      body: { token: `made-up-${number}`, password },
    });
    expect(code).toBe("NotFound");
  }
  const change = () =>
    world.checker.request(operations.changePassword, { headers, body: { current: "a wrong one", password } });
  for (let tries = 0; tries < 10; tries += 1) expect((await change()).code).toBe("InvalidField");
  expect((await change()).code).toBe("RateLimited");
  await signIn(world.web.url, email);
});

test.each([
  ["GET", "session"],
  ["GET", "providers"],
  ["GET", "signin"],
  ["GET", "signout"],
  ["GET", "error?error=x"],
  ["GET", "verify-request"],
  ["GET", "callback/credentials"],
  ["POST", "_log"],
  ["POST", "session"],
  ["POST", "signin/credentials"],
  ["POST", "csrf"],
  ["PUT", "csrf"],
  ["DELETE", "signout"],
])("%s of next-auth's own %s leads nowhere", async (method, path) => {
  const response = await fetch(`${world.web.url}/api/auth/${path}`, { method, headers: { origin: portalUrl } });
  expect([response.status, response.headers.get("content-type")]).toEqual([404, "application/problem+json"]);
});

const codeSchema = z.looseObject({ code: z.string() });

test.each([
  [{}, "CrossOrigin"],
  [{ origin: "null" }, "CrossOrigin"],
  [{ origin: "https://elsewhere.test" }, "CrossOrigin"],
  [{ origin: `${portalUrl}:81` }, "CrossOrigin"],
  [{ origin: portalUrl, "sec-fetch-site": "cross-site" }, "CrossOrigin"],
  [{ origin: portalUrl, "content-type": "text/plain" }, "UnsupportedMediaType"],
  [{ origin: portalUrl, "content-type": "multipart/form-data; boundary=x" }, "UnsupportedMediaType"],
  [{ origin: portalUrl, "content-type": "application/json" }, "UnsupportedMediaType"],
])("signing in and out with %j is answered %s", async (headers, code) => {
  const { email } = await makeSomebody();
  const mine = await signIn(world.web.url, email);
  for (const path of ["callback/credentials", "signout"]) {
    const { csrfToken, cookie } = await beginForm(world.web.url);
    const response = await fetch(`${world.web.url}/api/auth/${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        cookie: `${cookie}; ${mine.headers.cookie}`,
        ...headers,
      },
      body: new URLSearchParams({ email, password, csrfToken, json: "true" }).toString(),
    });
    expect([path, codeSchema.parse(await response.json()).code]).toEqual([path, code]);
    expect(response.headers.getSetCookie()).toEqual([]);
  }
  expect((await world.checker.request(operations.whoAmI, { headers: mine.headers })).status).toBe(200);
});

test("a form is no longer than it may be, and needs next-auth's own token against forgery", async () => {
  const { email } = await makeSomebody();
  const post = (body: Record<string, string>) =>
    fetch(`${world.web.url}/api/auth/callback/credentials`, {
      method: "POST",
      headers: { origin: portalUrl },
      body: new URLSearchParams(body),
      redirect: "manual",
    });
  expect((await post({ email, password: "x".repeat(20_000) })).status).toBe(413);
  const forged = await post({ email, password, csrfToken: "made up", json: "true" });
  expect(forged.headers.getSetCookie().join()).not.toContain("pilothouse-session");
});

test("nobody but the portal says where to go on", async () => {
  const { email } = await makeSomebody();
  expect((await trySignIn(world.web.url, { email, password })).url).toBe(portalUrl);
  const { headers } = await signIn(world.web.url, email);
  for (const next of ["//elsewhere.test", "/\t/elsewhere.test", "/.//elsewhere.test"]) {
    const response = await fetch(`${world.web.url}/sign-in?next=${encodeURIComponent(next)}`, {
      headers,
      redirect: "manual",
    });
    expect([next, response.status, response.headers.get("location")]).toEqual([next, 307, "/"]);
  }
});

test("a database that does not answer is no wrong password, and what is wrong with it is for the log alone", async () => {
  const { email } = await makeSomebody();
  await world.owner.query("BEGIN");
  await world.owner.query("LOCK TABLE sign_in_limits IN ACCESS EXCLUSIVE MODE");
  const { url } = await trySignIn(world.web.url, { email, password });
  await world.owner.query("ROLLBACK");
  expect(new URL(url).search).toBe("?error=Unavailable");
  expect(world.web.output()).toContain("nobody can sign in now");
});

test("signing in and out, and tries that are refused, are in the platform's audit", async () => {
  const { email, id } = await makeSomebody();
  const place = makePlace();
  for (let tries = 0; tries < 12; tries += 1) await attempt(email, place);
  const { headers } = await signIn(world.web.url, email);
  await signOut(world.web.url, headers);
  expect((await world.checker.request(operations.whoAmI, { headers })).code).toBe("Unauthenticated");
  const entrySchema = z.looseObject({
    verb: z.string(),
    actor: z.looseObject({ kind: z.string(), name: z.string().nullable() }),
    object: z.looseObject({ id: z.string() }),
    details: z.looseObject({ reason: z.string().optional(), from: z.string().optional() }).nullable(),
  });
  const readEntries = async () => {
    const { body } = await world.checker.request(operations.listPlatformAuditEntries, { key: world.platformKey });
    const { items } = z.object({ items: z.array(entrySchema) }).parse(body);
    return items.filter(({ object }) => object.id === id);
  };
  await vi.waitFor(async () => {
    const refused = (await readEntries()).filter(({ verb }) => verb === "refuseSignIn");
    expect(refused.map(({ details }) => [details?.reason, details?.from])).toEqual([
      ["TooManyTries", place],
      ["WrongPassword", place],
    ]);
  });
  const own = (await readEntries()).filter(({ actor }) => actor.kind === "user");
  expect(own.map(({ verb, actor }) => [verb, actor.name])).toEqual([
    ["signOut", email],
    ["signIn", email],
    ["acceptInvitation", email],
  ]);
  expect(JSON.stringify(await readEntries())).not.toContain(password);
});

test("nobody has the server scale pictures", async () => {
  const response = await fetch(`${world.web.url}/_next/image?url=%2Ffavicon.ico&w=64&q=75`);
  expect(response.status).toBe(404);
});
