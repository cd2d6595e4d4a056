import { operations } from "@pilothouse/contract";
import { z } from "zod";
import { portalUrl } from "./web-server.ts";
import type { World } from "./world.ts";

export const password = "a long enough password";

/** A browser in which somebody is signed in. */
export interface SignedIn {
  /** What it sends with each request of the portal's own pages. */
  headers: { cookie: string; origin: string };
  /** By which the browser is known again. */
  device: string;
}

const invitedSchema = z.object({ id: z.string(), invitation: z.object({ token: z.string() }) });

/** Makes a person who has set a password. Answers the person's id. */
export async function makePerson(world: World, email: string, more: { isOperator?: boolean } = {}): Promise<string> {
  const { checker, platformKey: key } = world;
  const { body } = await checker.succeed(operations.createUser, { key, body: { email, ...more } });
  const { id, invitation } = invitedSchema.parse(body);
  await checker.succeed(operations.acceptInvitation, { body: { token: invitation.token, password } });
  return id;
}

/** A try to sign in, as the sign-in page makes it. */
export interface SignInTry {
  status: number;
  /** Where the page goes on, with the error. */
  url: string;
  /** Of the answer, by name. */
  cookies: Map<string, string>;
}

const csrfSchema = z.object({ csrfToken: z.string() });
const answerSchema = z.object({ url: z.string() });

let places = 0;
/** An address that no try came from yet. */
export function makePlace(): string {
  places += 1;
  return `198.18.${places >> 8}.${places & 255}`;
}

function readCookies(response: Response): Map<string, string> {
  return new Map(
    response.headers.getSetCookie().map((line) => {
      const [pair = ""] = line.split(";");
      const at = pair.indexOf("=");
      return [pair.slice(0, at), pair.slice(at + 1)] as const;
    }),
  );
}

/** next-auth's token against forgery, and the cookie that belongs to it. */
export async function beginForm(url: string): Promise<{ csrfToken: string; cookie: string }> {
  const begun = await fetch(`${url}/api/auth/csrf`);
  const { csrfToken } = csrfSchema.parse(await begun.json());
  return { csrfToken, cookie: [...readCookies(begun)].map(([name, value]) => `${name}=${value}`).join("; ") };
}

/**
 * @param headers that are sent beside those of a browser at a place of its own
 * @param device by which the browser is known
 */
export async function trySignIn(
  url: string,
  credentials: { email: string; password: string },
  headers: Record<string, string> = {},
  device = "",
): Promise<SignInTry> {
  const { csrfToken, cookie } = await beginForm(url);
  const response = await fetch(`${url}/api/auth/callback/credentials`, {
    method: "POST",
    headers: {
      cookie: `${cookie}; pilothouse-device=${device}`,
      origin: portalUrl,
      "x-forwarded-for": makePlace(),
      ...headers,
    },
    body: new URLSearchParams({ ...credentials, csrfToken, json: "true", callbackUrl: "https://elsewhere.test/" }),
    redirect: "manual",
  });
  const answer = answerSchema.safeParse(await response.json().catch(() => undefined));
  return { status: response.status, url: answer.data?.url ?? "", cookies: readCookies(response) };
}

/** Signs in. @throws Error when that does not succeed */
export async function signIn(url: string, email: string, secret = password): Promise<SignedIn> {
  const { cookies, url: next } = await trySignIn(url, { email, password: secret });
  const value = cookies.get("pilothouse-session");
  if (value === undefined) throw new Error(`signing in ended at ${next}`);
  const headers = { cookie: `pilothouse-session=${value}`, origin: portalUrl };
  return { headers, device: cookies.get("pilothouse-device") ?? "" };
}

/** Signs out, as the portal's menu does. */
export async function signOut(url: string, headers: SignedIn["headers"]): Promise<Response> {
  const { csrfToken, cookie } = await beginForm(url);
  return fetch(`${url}/api/auth/signout`, {
    method: "POST",
    headers: { ...headers, cookie: `${headers.cookie}; ${cookie}` },
    body: new URLSearchParams({ csrfToken, json: "true", callbackUrl: portalUrl }),
    redirect: "manual",
  });
}
