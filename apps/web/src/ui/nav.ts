import {
  Activity,
  Anchor,
  Boxes,
  Building2,
  GitBranch,
  Gauge,
  LayoutDashboard,
  type LucideIcon,
  MapPin,
  Network,
  Settings,
  Ship,
  Workflow,
} from "lucide-react";

/** Icons of pages, by what a page is about: server components name them, as they can't hand functions over. */
export const navIcons = {
  overview: LayoutDashboard,
  clusters: Boxes,
  controlPlanes: Ship,
  activity: Activity,
  settings: Settings,
  fleet: Network,
  capacity: Gauge,
  placement: MapPin,
  versions: GitBranch,
  work: Workflow,
  tenants: Building2,
  anchor: Anchor,
} as const satisfies Record<string, LucideIcon>;

/** A page in the navigation. */
export interface NavItem {
  href: string;
  label: string;
  icon: keyof typeof navIcons;
}

/** Whether a page, or something below it, is the one that is shown. The longest address that fits wins. */
export function isCurrent(pathname: string, href: string, items: readonly NavItem[]): boolean {
  const fits = (address: string): boolean => pathname === address || pathname.startsWith(`${address}/`);
  const longest = items.filter((item) => fits(item.href)).reduce((most, item) => Math.max(most, item.href.length), 0);
  return fits(href) && href.length === longest;
}
