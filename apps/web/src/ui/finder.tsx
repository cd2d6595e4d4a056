"use client";
import type { ReactNode } from "react";
import { useIstiodClusters, useTenants } from "#client/admin-queries.ts";
import { useCollection } from "#client/collection.ts";
import { clustersOf, controlPlanesOf, fleetControlPlanes } from "#client/collections.ts";
import { useRefusal } from "#client/role.tsx";
import { type Command, CommandPalette } from "./command-palette.tsx";

interface FinderProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  pages: readonly Command[];
}

/** The palette with what there is to find: a tenant's things, or with null those of the whole fleet. They are read when it is opened. */
export function Finder({ tenant, ...props }: FinderProps & { tenant: string | null }): ReactNode {
  if (!props.open) return <CommandPalette {...props} commands={props.pages} />;
  return tenant === null ? <FleetFinder {...props} /> : <TenantFinder tenant={tenant} {...props} />;
}

function TenantFinder({ tenant, pages, ...props }: FinderProps & { tenant: string }): ReactNode {
  const clusters = useCollection(clustersOf(tenant));
  const controlPlanes = useCollection(controlPlanesOf(tenant));
  const mayOperate = useRefusal("operator") === undefined;
  const mayAdminister = useRefusal("admin") === undefined;
  const base = `/tenants/${tenant}`;
  const commands: Command[] = [
    ...pages,
    ...(mayOperate
      ? [
          { group: "Do", label: "Connect a cluster", href: `${base}/clusters/connect` },
          { group: "Do", label: "Create a control plane", href: `${base}/control-planes/new` },
        ]
      : []),
    ...(mayAdminister ? [{ group: "Do", label: "Invite a member, make an API key", href: `${base}/settings` }] : []),
    { group: "Do", label: "Change your password, sign out elsewhere", href: `${base}/settings` },
    { group: "Do", label: "See what fails", href: `${base}/control-planes?q=phase:degraded` },
    ...controlPlanes.items.map(({ name }): Command => ({
      group: "Control planes",
      label: name,
      href: `${base}/control-planes/${name}`,
    })),
    ...clusters.items.map(({ name }): Command => ({
      group: "Clusters",
      label: name,
      href: `${base}/clusters/${name}`,
    })),
  ];
  return <CommandPalette {...props} commands={commands} />;
}

function FleetFinder({ pages, ...props }: FinderProps): ReactNode {
  const controlPlanes = useCollection(fleetControlPlanes);
  const { data: istiodClusters } = useIstiodClusters();
  const { data: tenants } = useTenants();
  const commands: Command[] = [
    ...pages,
    { group: "Do", label: "See what fails", href: "/admin/placement?q=phase:degraded" },
    ...(istiodClusters ?? []).map(({ name }): Command => ({
      group: "Istiod clusters",
      label: name,
      href: `/admin/istiod-clusters/${name}`,
    })),
    ...(tenants ?? []).map(({ name }): Command => ({
      group: "Tenants",
      label: name,
      href: `/admin/tenants?q=name:${name}`,
    })),
    ...controlPlanes.items.map(({ id, tenant, name }): Command => ({
      group: "Control planes",
      label: `${name} of ${tenant}`,
      href: `/admin/placement?control-plane=${id}`,
    })),
  ];
  return <CommandPalette {...props} commands={commands} />;
}
