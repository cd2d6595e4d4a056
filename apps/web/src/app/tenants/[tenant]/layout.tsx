import { notFound } from "next/navigation";
import type { ReactNode } from "react";
import { TenantLive } from "#client/live.tsx";
import { QueryProvider } from "#client/query-provider.tsx";
import { RoleProvider } from "#client/role.tsx";
import { findEventPosition } from "#server/find-event-position.ts";
import { requirePersonOnPage } from "#server/find-person.ts";
import type { NavItem } from "#ui/nav.ts";
import { Shell } from "#ui/shell.tsx";
import { TenantSwitcher } from "#ui/tenant-switcher.tsx";

interface Props {
  params: Promise<{ tenant: string }>;
  children: ReactNode;
}

/** The frame of a tenant's pages. A tenant of others is not found, as one that does not exist. */
export default async function TenantLayout({ params, children }: Props): Promise<ReactNode> {
  const { tenant } = await params;
  const base = `/tenants/${tenant}`;
  const person = await requirePersonOnPage(base);
  const membership = person.memberships.find((one) => one.tenant === tenant);
  if (membership === undefined) return notFound();
  const items: NavItem[] = [
    { href: base, label: "Overview", icon: "overview" },
    { href: `${base}/clusters`, label: "Clusters", icon: "clusters" },
    { href: `${base}/control-planes`, label: "Control planes", icon: "controlPlanes" },
    { href: `${base}/activity`, label: "Activity", icon: "activity" },
    { href: `${base}/settings`, label: "Settings", icon: "settings" },
  ];
  const { email, displayName, isOperator, memberships } = person;
  return (
    <QueryProvider>
      <TenantLive tenant={tenant} after={await findEventPosition()}>
        <RoleProvider role={membership.role}>
          <Shell
            items={items}
            tenant={tenant}
            person={{ email, displayName }}
            switcher={<TenantSwitcher current={tenant} isOperator={isOperator} memberships={memberships} />}
          >
            {children}
          </Shell>
        </RoleProvider>
      </TenantLive>
    </QueryProvider>
  );
}
