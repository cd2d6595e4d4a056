import { type Client, createClient, operations, type TenantRole } from "@pilothouse/contract";
import type { BrowserContext } from "@playwright/test";
import { z } from "zod";
import type { Service } from "../service.ts";

/** Somebody who can sign in. */
export interface Person {
  email: string;
  password: string;
}

interface NewPerson extends Person {
  displayName: string;
}

interface Membership {
  tenant: string;
  role: TenantRole;
}

const timeoutMs = 10_000;

async function accept(service: Service, token: string | undefined, password: string): Promise<void> {
  if (token === undefined) throw new Error("nobody was invited");
  const visitor: Client = createClient({ baseUrl: service.baseUrl });
  await visitor.call(operations.acceptInvitation, { body: { token, password } });
}

/** Makes a person of the provider. */
export async function makeOperator(service: Service, { email, displayName, password }: NewPerson): Promise<Person> {
  const body = { email, displayName, isOperator: true };
  const made = await service.platform.call(operations.createUser, { body });
  await accept(service, made.body.invitation?.token, password);
  return { email, password };
}

/** Makes a person who comes into tenants by invitations: into the first one with a new password, into the others signed in. */
export async function makeMember(
  service: Service,
  { email, displayName, password }: NewPerson,
  memberships: readonly Membership[],
): Promise<Person> {
  for (const [index, { tenant, role }] of memberships.entries()) {
    const body = { email, displayName, role };
    const added = await service.platform.call(operations.addTenantMember, { params: { tenant }, body });
    const token = added.body.invitation?.token;
    if (index === 0) await accept(service, token, password);
    else await join(service.baseUrl, { email, password }, token ?? "");
  }
  return { email, password };
}

/** Under which a person sees this sign-in. */
const userAgent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0";

const csrfSchema = z.object({ csrfToken: z.string() });

/** Sends a request as the portal's pages do, with the cookies that came before. */
type Send = (path: string, body?: { type: string; text: string }) => Promise<Response>;

/** Signs in as the portal does. @throws Error when that does not succeed */
export async function signInByHand(baseUrl: string, { email, password }: Person): Promise<Send> {
  const cookies = new Map<string, string>();
  const send: Send = async (path, body) => {
    const response = await fetch(baseUrl + path, {
      method: body === undefined ? "GET" : "POST",
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        origin: baseUrl,
        "user-agent": userAgent,
        cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
        ...(body === undefined ? {} : { "content-type": body.type }),
      },
      ...(body === undefined ? {} : { body: body.text }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    return response;
  };
  const { csrfToken } = csrfSchema.parse(await (await send("/api/auth/csrf")).json());
  const form = new URLSearchParams({ email, password, csrfToken, json: "true", callbackUrl: baseUrl });
  const type = "application/x-www-form-urlencoded";
  const answer = await send("/api/auth/callback/credentials", { type, text: form.toString() });
  if (!answer.ok) throw new Error(`${email} can't sign in: ${await answer.text()}`);
  return send;
}

/** Signs in, and uses an invitation. */
async function join(baseUrl: string, person: Person, token: string): Promise<void> {
  const send = await signInByHand(baseUrl, person);
  const joined = await send("/api/v1/me/tenants", { type: "application/json", text: JSON.stringify({ token }) });
  if (!joined.ok) throw new Error(`${person.email} could not join: ${await joined.text()}`);
}

/** Signs in as a person does, and stays signed in for all pages of the context. */
export async function signIn(context: BrowserContext, baseUrl: string, { email, password }: Person): Promise<void> {
  const page = await context.newPage();
  await page.goto(`${baseUrl}/sign-in`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname !== "/sign-in");
  await page.close();
}
