"use client";
import type { Cluster } from "@pilothouse/contract";
import { Boxes, Plus } from "lucide-react";
import Link from "next/link";
import { type ReactNode, useMemo } from "react";
import { useCollection } from "#client/collection.ts";
import { clustersOf } from "#client/collections.ts";
import { Button } from "../button.tsx";
import { Card } from "../card.tsx";
import { type Column, DataTable } from "../data-table.tsx";
import { EmptyState } from "../empty-state.tsx";
import { Notice } from "../notice.tsx";
import { PageHeader } from "../page-header.tsx";
import { RowLink } from "../row-link.tsx";
import { Skeleton } from "../skeleton.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { ClusterStatus } from "./phase.tsx";

const listColumns = (tenant: string): Column<Cluster>[] => [
  {
    id: "name",
    header: "Name",
    cell: ({ name }) => <RowLink href={`/tenants/${tenant}/clusters/${name}`}>{name}</RowLink>,
    text: ({ name }) => name,
    sortBy: ({ name }) => name,
  },
  {
    id: "phase",
    header: "Connection",
    cell: ({ phase }) => <ClusterStatus phase={phase} quiet />,
    text: ({ phase }) => phase,
    sortBy: ({ phase }) => phase,
  },
  {
    id: "kind",
    header: "Kind",
    cell: ({ kind }) => kind,
    text: ({ kind }) => kind,
    sortBy: ({ kind }) => kind,
    room: "wide",
  },
  {
    id: "seed",
    header: "Seed",
    cell: ({ seed }) => seed ?? "—",
    text: ({ seed }) => seed ?? "",
    sortBy: ({ seed }) => seed ?? "",
    room: "wide",
  },
  {
    id: "kubernetes",
    header: "Kubernetes",
    cell: ({ kubernetesVersion }) => kubernetesVersion ?? "—",
    text: ({ kubernetesVersion }) => kubernetesVersion ?? "",
    sortBy: ({ kubernetesVersion }) => kubernetesVersion ?? "",
    room: "widest",
  },
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
  const { items, isReading, error } = useCollection(clustersOf(tenant));
  const columns = useMemo(() => listColumns(tenant), [tenant]);
  const connect = (
    <Button asChild kind="primary">
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
      {error === null ? null : (
        <Notice tone="bad" title="The clusters could not be read">
          {error.message}
        </Notice>
      )}
      {items.length === 0 && isReading ? (
        <Card>
          <Skeleton label="clusters" lines={6} />
        </Card>
      ) : (
        <DataTable
          label="clusters"
          rows={items}
          columns={columns}
          rowId={({ id }) => id}
          isReading={isReading}
          empty={
            <Card>
              <EmptyState picture={<Boxes />} title="No cluster is connected yet" action={connect}>
                Give a kubeconfig once. Pilothouse checks it, installs identities with exactly the rights it needs, and
                then erases it.
              </EmptyState>
            </Card>
          }
        />
      )}
    </>
  );
}
