import { type TenantRole, tenantRoles } from "@pilothouse/contract";

/** What each role may do, each more than the one before. */
export const roleWords: Record<TenantRole, string> = {
  viewer: "Sees everything of the tenant, and changes nothing.",
  operator: "Connects clusters, and creates and deletes control planes.",
  admin: "Also invites members and makes API keys.",
  owner: "May do everything in the tenant.",
};

/** A role by its name; the least one where there is none of that name. */
export const readRole = (text: string): TenantRole => tenantRoles.find((role) => role === text) ?? "viewer";
