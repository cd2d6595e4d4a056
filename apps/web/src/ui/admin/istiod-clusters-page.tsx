"use client";
import type { Capacity, IstiodCluster } from "@pilothouse/contract";
import { Gauge } from "lucide-react";
import type { ReactNode } from "react";
import { useIstiodClusters } from "#client/admin-queries.ts";
import { Card } from "../card.tsx";
import { type Column, DataTable } from "../data-table.tsx";
import { EmptyState } from "../empty-state.tsx";
import { Failure } from "../failure.tsx";
import { PageHeader } from "../page-header.tsx";
import { RowLink } from "../row-link.tsx";
import { Skeleton } from "../skeleton.tsx";
import { IstiodClusterHealth } from "./istiod-cluster-health.tsx";
import { textColumn } from "../text-column.ts";
import { describeUse, findTightest } from "./use-of.ts";
import { UseMeter } from "./use-meter.tsx";

const shareOf = (cluster: IstiodCluster, resource: keyof Capacity): number =>
  describeUse(cluster).find(({ name }) => name === resource)?.share ?? 0;

const resourceColumn = (resource: keyof Capacity, header: string, room?: "wide" | "widest"): Column<IstiodCluster> => ({
  id: resource.toLowerCase(),
  header,
  cell: (cluster) => <UseMeter cluster={cluster} resource={resource} />,
  sortBy: (cluster) => shareOf(cluster, resource),
  ...(room === undefined ? {} : { room }),
});

const columns: readonly Column<IstiodCluster>[] = [
  {
    id: "name",
    header: "Name",
    cell: ({ name }) => <RowLink href={`/admin/istiod-clusters/${name}`}>{name}</RowLink>,
    text: ({ name }) => name,
    sortBy: ({ name }) => name,
    note: (cluster) => (
      <>
        Istio {cluster.line} · <IstiodClusterHealth cluster={cluster} />
      </>
    ),
  },
  textColumn("line", "Line", ({ line }) => line, "wide"),
  textColumn("region", "Region", ({ region }) => region, "wide"),
  {
    id: "health",
    header: "Health",
    cell: (cluster) => <IstiodClusterHealth cluster={cluster} />,
    text: ({ healthy }) => (healthy === null ? "unknown" : healthy ? "answers" : "unreachable"),
    sortBy: ({ healthy }) => (healthy === false ? 0 : healthy === null ? 1 : 2),
    room: "wide",
  },
  resourceColumn("slots", "Revisions"),
  resourceColumn("cpuMilli", "CPU", "widest"),
  resourceColumn("memoryMib", "Memory", "widest"),
  {
    id: "tightest",
    header: "Fullest at",
    cell: (cluster) => `${Math.round(findTightest(cluster) * 100)} %`,
    sortBy: findTightest,
    room: "widest",
    align: "end",
  },
];

/** All istiod clusters, with what is reserved of each. */
export function IstiodClustersPage(): ReactNode {
  const { data, error, refetch } = useIstiodClusters();
  return (
    <>
      <PageHeader title="Istiod clusters">
        Each hosts control planes of one Istio line. What is reserved counts for placement, used or not.
      </PageHeader>
      {error === null ? null : (
        <Failure title="The istiod clusters could not be read" error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && error === null ? (
        <Card>
          <Skeleton label="istiod clusters" lines={6} />
        </Card>
      ) : null}
      {data === undefined ? null : (
        <DataTable
          label="istiod clusters"
          rows={data}
          columns={columns}
          rowId={({ name }) => name}
          empty={
            <Card>
              <EmptyState picture={<Gauge />} title="No istiod cluster yet">
                Make the first over REST: <code>POST /api/v1/admin/istiod-clusters</code>, with its line, its capacity
                and a kubeconfig.
              </EmptyState>
            </Card>
          }
        />
      )}
    </>
  );
}
