import { notFound } from "next/navigation";
import type { ReactNode } from "react";
import { FleetLive } from "#client/live.tsx";
import { QueryProvider } from "#client/query-provider.tsx";
import { findEventPosition } from "#server/find-event-position.ts";
import { requirePersonOnPage } from "#server/find-person.ts";
import type { NavItem } from "#ui/nav.ts";
import { Shell } from "#ui/shell.tsx";
import { TenantSwitcher } from "#ui/tenant-switcher.tsx";

const items: NavItem[] = [
  { href: "/admin", label: "Fleet", icon: "fleet" },
  { href: "/admin/istiod-clusters", label: "Istiod clusters", icon: "capacity" },
  { href: "/admin/placement", label: "Placement", icon: "placement" },
  { href: "/admin/versions", label: "Versions", icon: "versions" },
  { href: "/admin/work", label: "Work", icon: "work" },
  { href: "/admin/tenants", label: "Tenants", icon: "tenants" },
];

/** The frame of the operators' pages. For everybody else there is nothing here. */
export default async function AdminLayout({ children }: { children: ReactNode }): Promise<ReactNode> {
  const { email, displayName, isOperator, memberships } = await requirePersonOnPage("/admin");
  if (!isOperator) return notFound();
  return (
    <QueryProvider>
      <FleetLive after={await findEventPosition()}>
        <Shell
          items={items}
          tenant={null}
          person={{ email, displayName }}
          switcher={<TenantSwitcher current={undefined} isOperator memberships={memberships} />}
        >
          {children}
        </Shell>
      </FleetLive>
    </QueryProvider>
  );
}
