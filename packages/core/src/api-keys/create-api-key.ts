import {
  type CreateApiKeyBody,
  type CreatePlatformKeyBody,
  hasRole,
  type NewApiKey,
  type TenantRole,
} from "@pilothouse/contract";
import type { Transaction } from "../database/connect.ts";
import { DomainError, notFound } from "../errors.ts";
import { type Answer, type RequestContext, requirePlatform, requireTenant } from "../request-context.ts";
import { makeApiKey } from "./make-api-key.ts";

/**
 * Makes a key of the actor's tenant, of at most the actor's own role.
 * @returns 201 with the key's text, which is null when the request is repeated under its Idempotency-Key
 * @throws DomainError Forbidden, InvalidField, QuotaExceeded
 */
export async function createApiKey(context: RequestContext, body: CreateApiKeyBody): Promise<Answer<NewApiKey>> {
  const { tenantId } = requireTenant(context, "admin");
  requireRole(context, body.role, "role");
  return makeApiKey(context, { tenantId }, body, async () => tenantId);
}

/** @throws DomainError Forbidden when a role is higher than the actor's own */
export function requireRole(context: RequestContext, role: TenantRole, parameter?: string): void {
  const own = context.actor.role;
  if (own !== "platform" && hasRole(own, role)) return;
  throw new DomainError(
    "Forbidden",
    `Your role here is ${own}, which can't hand out or take away ${role}.`,
    parameter === undefined ? {} : { parameter },
  );
}

/**
 * Makes a key for a tenant in the platform's name, such as the tenant's first.
 * @throws DomainError NotFound, InvalidField, QuotaExceeded
 */
export async function createTenantApiKey(
  context: RequestContext,
  input: { tenant: string; body: CreateApiKeyBody },
): Promise<Answer<NewApiKey>> {
  requirePlatform(context);
  return makeApiKey(context, "platform", input.body, (transaction) => enterTenant(transaction, input.tenant));
}

/** Lets a transaction of the platform see one tenant's rows, too. @throws DomainError NotFound */
export async function enterTenant(transaction: Transaction, name: string): Promise<string> {
  const tenant = await transaction.tenant.findUnique({ where: { name } });
  if (tenant === null) throw notFound("tenant", name);
  await transaction.$executeRaw`SELECT set_config('pilothouse.tenant', ${tenant.id}, true)`;
  return tenant.id;
}

/** Makes a key of the platform. @throws DomainError InvalidField */
export async function createPlatformKey(
  context: RequestContext,
  body: CreatePlatformKeyBody,
): Promise<Answer<NewApiKey>> {
  requirePlatform(context);
  return makeApiKey(context, "platform", { ...body, role: "platform" }, async () => null);
}
