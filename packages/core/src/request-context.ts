import { hasRole, type Job, type KeyRole, type TenantRole } from "@pilothouse/contract";
import type { Database } from "./database/connect.ts";
import { DomainError } from "./errors.ts";

/** Who asks: an API key, or a person that is signed in. */
export interface Principal {
  kind: "key" | "user";
  id: string;
}

/** Who asks and in which part, as `authenticateApiKey` or `authenticateSession` found it, and the request it came with. */
export interface Actor {
  principal: Principal;
  /** Null for the platform. */
  tenantId: string | null;
  tenantName: string | null;
  role: KeyRole;
  /** Goes into the audit entry, so that it can be found in the log of requests. */
  requestId: string;
}

/** What the provider decides once for all requests. */
export interface ServiceConfig {
  /** Parent domain of all revisions' hostnames. */
  domain: string;
}

/** What every verb gets: the database as the role `pilothouse_web` sees it, who asks, and what a request brings along. */
export interface RequestContext {
  database: Database;
  actor: Actor;
  /** Says that an object wants to be looked at. Called after the commit; when it fails, the poller finds the object half a second later. */
  wake: (job: Job) => Promise<void>;
  /** Told of a `wake` that failed. */
  onWakeFailed?: (error: unknown, job: Job) => void;
  config: ServiceConfig;
  /** Set when the request carried an Idempotency-Key. */
  idempotency?: { key: string; /** SHA-256 of method, path and body. */ requestHash: Uint8Array };
}

/** What a change answers: a status of the contract, its body, and the headers that go with it. */
export interface Answer<Body> {
  status: number;
  body: Body;
  /** Path, from `/api/v1` on, of what was made or of the operation to watch. */
  location?: string;
  /** With its quotes. */
  etag?: string;
  /** True when the same request was answered so before; nothing happened now. */
  replayed: boolean;
}

/** ETag of an object: its generation, which grows with every change by request. */
export function formatEtag(generation: number): string {
  return `"${generation}"`;
}

/**
 * Checks that the actor belongs to a tenant and has at least a role in it.
 * @throws DomainError NotFound for keys of the platform, which see no tenant's objects; Forbidden when the role is too low
 */
export function requireTenant(context: RequestContext, role: TenantRole): { tenantId: string; tenantName: string } {
  const { tenantId, tenantName, role: own } = context.actor;
  if (tenantId === null || tenantName === null || own === "platform") {
    throw new DomainError("NotFound", "Keys of the platform see no tenant's objects. Use a key of the tenant.");
  }
  if (!hasRole(own, role)) {
    throw new DomainError("Forbidden", `This needs the role ${role}, and yours is ${own}.`);
  }
  return { tenantId, tenantName };
}

/** @throws DomainError Forbidden when the actor's key is not the platform's */
export function requirePlatform(context: RequestContext): void {
  if (context.actor.role !== "platform" || context.actor.tenantId !== null) {
    throw new DomainError("Forbidden", "This is for keys of the platform.");
  }
}
