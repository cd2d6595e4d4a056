import type { WhoAmI } from "@pilothouse/contract";
import { DomainError } from "@pilothouse/core";
import type { Caller } from "./authenticate.ts";

/** A caller in the contract's form. @throws DomainError Unauthenticated when there is none */
export function describeCaller(caller: Caller | undefined): WhoAmI {
  if (caller === undefined) throw new DomainError("Unauthenticated", "Send an API key, or sign in.");
  const { principal, person, isPlatform, memberships, expiresAt } = caller;
  return {
    ...principal,
    email: person?.email ?? null,
    displayName: person?.displayName ?? null,
    isPlatform,
    tenants: memberships.map(({ tenant, displayName, role }) => ({ name: tenant, displayName, role })),
    expiresAt: expiresAt?.toISOString() ?? null,
  };
}

/** The person that asks. @throws DomainError Forbidden when a key asks */
export function requirePerson(caller: Caller | undefined): NonNullable<Caller["person"]> {
  if (caller?.person !== undefined) return caller.person;
  throw new DomainError("Forbidden", "This is for people that are signed in.");
}
