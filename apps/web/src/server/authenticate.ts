import { createHash } from "node:crypto";
import type { TenantRole } from "@pilothouse/contract";
import { authenticateApiKey, authenticateSession, DomainError, type Principal, type SignedIn } from "@pilothouse/core";
import { readSessionId } from "./session-cookie.ts";
import type { Service } from "./service.ts";

/** A part in a tenant. */
export interface Membership {
  tenantId: string;
  tenant: string;
  displayName: string;
  role: TenantRole;
}

/** Who asks, by a key or a session that holds now. */
export interface Caller {
  principal: Principal;
  /** Id of the key or session: when it is revoked, streams end. */
  credentialId: string;
  expiresAt: Date | null;
  /** Whether what belongs to the platform is open. */
  isPlatform: boolean;
  memberships: readonly Membership[];
  /** Set for somebody who is signed in. */
  person?: SignedIn & { sessionId: string };
  /** The same caller as of now; undefined when key or session holds no more. */
  lookAgain: () => Promise<Caller | undefined>;
}

/** Too many requests, and how long to wait. */
export class RateLimitError extends DomainError {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super("RateLimited", `Too many requests. Wait ${retryAfterSeconds} s, then go on more slowly.`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const keyPattern = /^Bearer +([A-Za-z0-9._~+/=-]{1,200}) *$/i;

/**
 * Finds out who asks, and counts the request against the key or session, valid or not, before the database is asked. A key comes before a
 * session: whoever sends one means it.
 * @throws DomainError Unauthenticated, CrossOrigin, or RateLimitError
 */
export async function authenticate(request: Pick<Request, "headers" | "method">, service: Service): Promise<Caller> {
  const authorization = request.headers.get("authorization");
  if (authorization === null) return authenticatePerson(request, service);
  const key = keyPattern.exec(authorization)?.[1];
  if (key === undefined) throw createUnauthenticated("Send an API key: Authorization: Bearer <key>.");
  await countRequest(service, key);
  const caller = await findByKey(service, key);
  if (caller !== undefined) return caller;
  throw createUnauthenticated("This API key does not exist, was revoked, or has expired.");
}

async function authenticatePerson(request: Pick<Request, "headers" | "method">, service: Service): Promise<Caller> {
  const sessionId = await readSessionId(request.headers.get("cookie"), service);
  if (sessionId === undefined)
    throw createUnauthenticated("Send an API key: Authorization: Bearer <key>. In the portal, sign in.");
  // A cookie comes with requests of any site: only those of the portal itself may use it.
  requireSameOrigin(request, service.origin);
  await countRequest(service, sessionId);
  const caller = await findBySession(service, sessionId);
  if (caller !== undefined) return caller;
  throw createUnauthenticated("The session is over or was revoked. Sign in again.");
}

const readMethods = new Set(["GET", "HEAD"]);

/** @throws DomainError CrossOrigin when a browser says that a page of another site made this request */
export function requireSameOrigin({ headers, method }: Pick<Request, "headers" | "method">, origin: string): void {
  const site = headers.get("sec-fetch-site");
  const from = headers.get("origin");
  const isForeign = (site !== null && site !== "same-origin" && site !== "none") || (from !== null && from !== origin);
  // Every browser says where a change comes from.
  if (!isForeign && (readMethods.has(method) || from !== null)) return;
  throw new DomainError(
    "CrossOrigin",
    `A session is only taken from the portal's own pages at ${origin}. Use an API key anywhere else.`,
    { parameter: "Origin" },
  );
}

async function countRequest(service: Service, credential: string): Promise<void> {
  const waitSeconds = await service.rateLimit.count(createHash("sha256").update(credential).digest("base64"));
  if (waitSeconds > 0) throw new RateLimitError(waitSeconds);
}

async function findByKey(service: Service, key: string): Promise<Caller | undefined> {
  const found = await authenticateApiKey(service.database, key);
  if (found === undefined) return undefined;
  const { principal, tenantId, tenantName, role, expiresAt } = found;
  return {
    principal,
    credentialId: principal.id,
    expiresAt,
    isPlatform: role === "platform",
    memberships:
      tenantId === null || tenantName === null || role === "platform"
        ? []
        : [{ tenantId, tenant: tenantName, displayName: tenantName, role }],
    lookAgain: () => findByKey(service, key),
  };
}

async function findBySession(service: Service, sessionId: string): Promise<Caller | undefined> {
  const found = await authenticateSession(service.database, sessionId);
  if (found === undefined) return undefined;
  return {
    principal: { kind: "user", id: found.userId },
    credentialId: sessionId,
    expiresAt: found.expiresAt,
    isPlatform: found.isOperator,
    memberships: found.memberships,
    person: { ...found, sessionId },
    lookAgain: () => findBySession(service, sessionId),
  };
}

function createUnauthenticated(message: string): DomainError {
  return new DomainError("Unauthenticated", message, { parameter: "Authorization" });
}
