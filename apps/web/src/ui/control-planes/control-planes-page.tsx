"use client";
import type { ControlPlane } from "@pilothouse/contract";
import { Plus, Ship } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { useCollection } from "#client/collection.ts";
import { controlPlanesOf } from "#client/collections.ts";
import { useRefusal } from "#client/role.tsx";
import { Button } from "../button.tsx";
import { CollectionTable } from "../collection-table.tsx";
import type { Column } from "../data-table.tsx";
import { EmptyState } from "../empty-state.tsx";
import { Link } from "../link.tsx";
import { PageHeader } from "../page-header.tsx";
import { RowLink } from "../row-link.tsx";
import { textColumn } from "../text-column.ts";
import { TimeAgo } from "../time-ago.tsx";
import { ControlPlaneStatus } from "./phase.tsx";

const listColumns = (tenant: string): Column<ControlPlane>[] => [
  {
    id: "name",
    header: "Name",
    cell: ({ name }) => <RowLink href={`/tenants/${tenant}/control-planes/${name}`}>{name}</RowLink>,
    text: ({ name }) => name,
    sortBy: ({ name }) => name,
    note: ({ cluster, version }) => `${cluster} · Istio ${version}`,
  },
  {
    id: "phase",
    header: "Phase",
    cell: ({ phase }) => <ControlPlaneStatus phase={phase} quiet />,
    text: ({ phase }) => phase,
    sortBy: ({ phase }) => phase,
  },
  textColumn("version", "Version", ({ version }) => version, "wide"),
  {
    id: "cluster",
    header: "Cluster",
    cell: ({ cluster }) => <RowLink href={`/tenants/${tenant}/clusters/${cluster}`}>{cluster}</RowLink>,
    text: ({ cluster }) => cluster,
    sortBy: ({ cluster }) => cluster,
    room: "wide",
  },
  {
    id: "replicas",
    header: "Replicas",
    cell: ({ replicas }) => replicas,
    sortBy: ({ replicas }) => replicas,
    room: "widest",
    align: "end",
  },
  {
    id: "created",
    header: "Created",
    cell: ({ createdAt }) => <TimeAgo at={createdAt} />,
    sortBy: ({ createdAt }) => createdAt,
    room: "widest",
  },
];

/** All control planes of a tenant. */
export function ControlPlanesPage({ tenant }: { tenant: string }): ReactNode {
  const controlPlanes = useCollection(controlPlanesOf(tenant));
  const refusal = useRefusal("operator");
  const columns = useMemo(() => listColumns(tenant), [tenant]);
  const create = (
    <Button asChild kind="primary" refusal={refusal}>
      <Link href={`/tenants/${tenant}/control-planes/new`}>
        <Plus aria-hidden="true" />
        Create control plane
      </Link>
    </Button>
  );
  return (
    <>
      <PageHeader title="Control planes" actions={create}>
        Each is an istiod of the version that you choose, run for one of your clusters, outside of it.
      </PageHeader>
      <CollectionTable
        collection={controlPlanes}
        label="control planes"
        columns={columns}
        empty={
          <EmptyState picture={<Ship />} title="No control plane yet" action={create}>
            Choose a connected cluster and an Istio version. Pilothouse runs the istiod, proves that it serves your
            mesh, and goes on watching it.
          </EmptyState>
        }
      />
    </>
  );
}
