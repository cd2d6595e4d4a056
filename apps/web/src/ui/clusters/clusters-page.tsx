"use client";
import type { Cluster } from "@pilothouse/contract";
import { Boxes, Plus } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { useCollection } from "#client/collection.ts";
import { clustersOf } from "#client/collections.ts";
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
import { ClusterStatus } from "./phase.tsx";

const listColumns = (tenant: string): Column<Cluster>[] => [
  {
    id: "name",
    header: "Name",
    cell: ({ name }) => <RowLink href={`/tenants/${tenant}/clusters/${name}`}>{name}</RowLink>,
    text: ({ name }) => name,
    sortBy: ({ name }) => name,
    note: ({ kind, seed }) => (seed === null ? kind : `${kind} · ${seed}`),
  },
  {
    id: "phase",
    header: "Connection",
    cell: ({ phase }) => <ClusterStatus phase={phase} quiet />,
    text: ({ phase }) => phase,
    sortBy: ({ phase }) => phase,
  },
  textColumn("kind", "Kind", ({ kind }) => kind, "wide"),
  textColumn("seed", "Seed", ({ seed }) => seed, "wide"),
  textColumn("kubernetes", "Kubernetes", ({ kubernetesVersion }) => kubernetesVersion, "widest"),
  {
    id: "token",
    header: "Credential issued",
    cell: ({ token }) => (token === null ? "—" : <TimeAgo at={token.issuedAt} />),
    sortBy: ({ token }) => token?.issuedAt ?? "",
    room: "widest",
  },
];

/** All mesh clusters of a tenant. */
export function ClustersPage({ tenant }: { tenant: string }): ReactNode {
  const clusters = useCollection(clustersOf(tenant));
  const refusal = useRefusal("operator");
  const columns = useMemo(() => listColumns(tenant), [tenant]);
  const connect = (
    <Button asChild kind="primary" refusal={refusal}>
      <Link href={`/tenants/${tenant}/clusters/connect`}>
        <Plus aria-hidden="true" />
        Connect a cluster
      </Link>
    </Button>
  );
  return (
    <>
      <PageHeader title="Clusters" actions={connect}>
        Your Kubernetes clusters whose workloads join a mesh. Pilothouse reaches them with short-lived tokens of its
        own.
      </PageHeader>
      <CollectionTable
        collection={clusters}
        label="clusters"
        columns={columns}
        empty={
          <EmptyState picture={<Boxes />} title="No cluster is connected yet" action={connect}>
            Give a kubeconfig once. Pilothouse checks it, installs identities with exactly the rights it needs, and then
            erases it.
          </EmptyState>
        }
      />
    </>
  );
}
