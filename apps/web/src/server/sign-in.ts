import { emailSchema } from "@pilothouse/contract";
import { checkPassword, openSession, revokeSession, sessionLifetimeMs } from "@pilothouse/core";
import type { NextAuthOptions, RequestInternal, User } from "next-auth";
import type { JWT } from "next-auth/jwt";
import credentialsProvider from "next-auth/providers/credentials";
import { z } from "zod";
import { isSecure, nameSessionCookie } from "./session-cookie.ts";
import { log } from "./log.ts";
import type { Service } from "./service.ts";

/** What the sign-in page is told in next-auth's `error`, with the seconds to wait; for a wrong password next-auth says `CredentialsSignin`. */
const tooManyTries = "TooManyTries";

const credentialsSchema = z.object({
  email: z.preprocess((text) => (typeof text === "string" ? text.trim() : text), emailSchema),
  password: z.string().max(1_000),
});
const tokenSchema = z.object({ sub: z.uuid(), sessionId: z.uuid() });

/**
 * Everything that is next-auth's: it opens a session that the database knows and can revoke, and seals its id into the cookie. Whoever wants
 * another way to sign in changes this file.
 */
export function createAuthOptions(service: Service): NextAuthOptions {
  const secure = isSecure(service);
  const cookie = { httpOnly: true, sameSite: "lax", path: "/", secure } as const;
  const prefix = secure ? "__Host-" : "";
  return {
    secret: service.sessionSecret,
    session: { strategy: "jwt", maxAge: sessionLifetimeMs / 1_000 },
    pages: { signIn: "/sign-in", error: "/sign-in", signOut: "/sign-in" },
    useSecureCookies: secure,
    cookies: {
      sessionToken: { name: nameSessionCookie(service), options: cookie },
      csrfToken: { name: `${prefix}pilothouse-csrf`, options: { ...cookie, sameSite: "strict" } },
      callbackUrl: { name: `${prefix}pilothouse-callback`, options: cookie },
    },
    providers: [
      credentialsProvider({
        name: "password",
        credentials: { email: { type: "email" }, password: { type: "password" } },
        authorize: (given, request) => authorize(service, given, request),
      }),
    ],
    callbacks: {
      // Only at sign-in is there a user; next-auth seals what is answered here.
      jwt: ({ token, user }: { token: JWT; user?: User }) =>
        user !== undefined && "sessionId" in user ? { sub: user.id, sessionId: user.sessionId } : token,
      session: ({ session }) => ({ expires: session.expires }),
    },
    events: {
      async signOut({ token }) {
        const parsed = tokenSchema.safeParse(token);
        if (!parsed.success) return;
        const { sub: userId, sessionId: id } = parsed.data;
        await revokeSession(service.database, { userId, id });
      },
    },
    logger: {
      error: (code) => log("warn", "next-auth reports an error", { code }),
      warn: () => undefined,
      debug: () => undefined,
    },
  };
}

async function authorize(
  service: Service,
  given: unknown,
  { headers }: Pick<RequestInternal, "headers">,
): Promise<{ id: string; sessionId: string } | null> {
  const parsed = credentialsSchema.safeParse(given);
  if (!parsed.success) return null;
  const { email, password } = parsed.data;
  const waitSeconds = await service.signInLimit.count(email, findClient(headers?.["x-forwarded-for"]));
  if (waitSeconds > 0) throw new Error(`${tooManyTries}:${waitSeconds}`);
  const userId = await checkPassword(service.database, email, password);
  if (userId === undefined) return null;
  await service.signInLimit.forget(email);
  const userAgent: unknown = headers?.["user-agent"];
  const session = await openSession(service.database, {
    userId,
    userAgent: typeof userAgent === "string" ? userAgent : "",
  });
  return { id: userId, sessionId: session.id };
}

/** Where a request comes from: what the last proxy in front of the service saw, or Next itself where there is none. */
function findClient(forwardedFor: unknown): string | undefined {
  if (typeof forwardedFor !== "string") return undefined;
  const last = forwardedFor.split(",").at(-1)?.trim();
  return last === "" ? undefined : last;
}
