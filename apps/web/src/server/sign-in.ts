import { emailSchema } from "@pilothouse/contract";
import {
  checkPassword,
  openSession,
  recordRefusedSignIn,
  type RefusedSignIn,
  revokeSession,
  sessionLifetimeMs,
} from "@pilothouse/core";
import type { NextAuthOptions, User } from "next-auth";
import type { JWT } from "next-auth/jwt";
import credentialsProvider from "next-auth/providers/credentials";
import { z } from "zod";
import { readDevice } from "./device-cookie.ts";
import { clientHeader } from "./find-client.ts";
import { describeError, log } from "./log.ts";
import { isSecure, nameSessionCookie } from "./session-cookie.ts";
import type { Service } from "./service.ts";

/** What the sign-in page is told in next-auth's `error`, with the seconds to wait; for a wrong password next-auth says `CredentialsSignin`. */
const tooManyTries = "TooManyTries";
/** The same where it can't be said whether the password is right. */
const unavailable = "Unavailable";

/** The request that next-auth is to answer. */
export interface AuthRequest {
  headers: Headers;
  requestId: string;
  /** Told who has just signed in. */
  onSignedIn: (email: string) => void;
}

const credentialsSchema = z.object({
  email: z.preprocess((text) => (typeof text === "string" ? text.trim() : text), emailSchema),
  password: z.string().max(1_000),
});
const tokenSchema = z.object({ sub: z.uuid(), sessionId: z.uuid() });

/**
 * Everything that is next-auth's: it opens a session that the database knows and can revoke, and seals its id into the cookie. Whoever wants
 * another way to sign in changes this file.
 */
export function createAuthOptions(service: Service, request: AuthRequest): NextAuthOptions {
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
        authorize: (given) => authorize(service, given, request),
      }),
    ],
    callbacks: {
      // Only at sign-in is there a user; next-auth seals what is answered here.
      jwt: ({ token, user }: { token: JWT; user?: User }) =>
        user !== undefined && "sessionId" in user ? { sub: user.id, sessionId: user.sessionId } : token,
      session: ({ session }) => ({ expires: session.expires }),
      // The page knows where to go on; nobody else chooses it.
      redirect: () => service.origin,
    },
    events: {
      async signOut({ token }) {
        const parsed = tokenSchema.safeParse(token);
        if (!parsed.success) return;
        const { sub: userId, sessionId: id } = parsed.data;
        await revokeSession(service.database, { userId, id, isOwn: true, requestId: request.requestId });
      },
    },
    logger: {
      error: (code) => log("warn", "next-auth reports an error", { code }),
      warn: () => undefined,
      debug: () => undefined,
    },
  };
}

/** @throws Error whose message the sign-in page is told, so it says nothing but what is for everybody */
async function authorize(
  service: Service,
  given: unknown,
  request: AuthRequest,
): Promise<{ id: string; sessionId: string } | null> {
  const parsed = credentialsSchema.safeParse(given);
  if (!parsed.success) return null;
  try {
    const result = await tryCredentials(service, parsed.data, request);
    if (typeof result === "object") return result;
    throw new Error(`${tooManyTries}:${result}`);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith(tooManyTries)) throw error;
    log("warn", "nobody can sign in now", { requestId: request.requestId, ...describeError(error) });
    throw new Error(unavailable, { cause: error });
  }
}

/** Opens a session; null for a wrong password, and the seconds to wait where there were too many tries. */
async function tryCredentials(
  service: Service,
  { email, password }: z.infer<typeof credentialsSchema>,
  { headers, requestId, onSignedIn }: AuthRequest,
): Promise<{ id: string; sessionId: string } | null | number> {
  const from = headers.get(clientHeader) ?? "";
  const tried = { email, client: from, device: await readDevice(headers.get("cookie"), email, service) };
  const waitSeconds = await service.signInLimit.count(tried);
  if (waitSeconds > 0) {
    recordRefusal(service, { email, reason: "TooManyTries", from, requestId });
    return waitSeconds;
  }
  const userId = await checkPassword(service.database, email, password);
  if (userId === undefined) {
    recordRefusal(service, { email, reason: "WrongPassword", from, requestId });
    return null;
  }
  await service.signInLimit.forget(tried);
  const userAgent = headers.get("user-agent") ?? "";
  const session = await openSession(service.database, { userId, userAgent, from, requestId });
  onSignedIn(email);
  return { id: userId, sessionId: session.id };
}

/** So many at a time: a flood of tries does not take the database from everybody else. */
const mostRecording = 4;
let recording = 0;

/** Nobody waits for it: how long an answer takes is not to tell whether there is such a person. */
function recordRefusal({ database }: Service, refused: RefusedSignIn): void {
  if (recording >= mostRecording) return;
  recording += 1;
  const { requestId } = refused;
  recordRefusedSignIn(database, refused)
    .catch((error: unknown) => {
      log("warn", "a refused sign-in could not be written down", { requestId, ...describeError(error) });
    })
    .finally(() => (recording -= 1));
}
