"use client";
import { hasRole, type TenantRole, tenantRoles } from "@pilothouse/contract";
import { createContext, type ReactNode, useContext } from "react";

/** Where nobody says whose pages these are, the service alone decides. */
const RoleContext = createContext<TenantRole>("owner");

/** Says what somebody may do on a tenant's pages. The service decides; pages only don't offer what it would refuse. */
export function RoleProvider({ role, children }: { role: TenantRole; children: ReactNode }): ReactNode {
  return <RoleContext.Provider value={role}>{children}</RoleContext.Provider>;
}

/** Why somebody may not do what needs a role; undefined for whoever may. */
export function useRefusal(needed: TenantRole): string | undefined {
  const role = useContext(RoleContext);
  return hasRole(role, needed) ? undefined : `This needs the role ${needed}, and yours is ${role}.`;
}

/** The roles that somebody may give: at most their own. */
export function useGivableRoles(): readonly TenantRole[] {
  const own = useContext(RoleContext);
  return tenantRoles.filter((role) => hasRole(own, role));
}
