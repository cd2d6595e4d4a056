"use client";
import type { Capacity, IstiodCluster, Usage } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { useIstiodClusters, useUsage } from "#client/admin-queries.ts";
import { useCollection } from "#client/collection.ts";
import { fleetControlPlanes } from "#client/collections.ts";
import { useAddressParameter } from "#client/use-address.ts";
import { Card, Facts } from "../card.tsx";
import { Chart } from "../chart.tsx";
import type { ChartSeries } from "../chart-parts.ts";
import { ControlPlaneStatus } from "../control-planes/phase.tsx";
import { SelectField } from "../field.tsx";
import { Failure } from "../failure.tsx";
import { GoneState } from "../gone-state.tsx";
import { Link } from "../link.tsx";
import { Notice } from "../notice.tsx";
import { PageHeader } from "../page-header.tsx";
import { RowLink } from "../row-link.tsx";
import { Skeleton } from "../skeleton.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./istiod-cluster-page.module.css";
import { IstiodClusterHealth } from "./istiod-cluster-health.tsx";
import { NothingServes } from "./nothing-serves.tsx";
import { describeUse } from "./use-of.ts";
import { describeUsage } from "./usage-points.ts";

const spans = [
  [1, "the last hour"],
  [24, "the last day"],
  [168, "the last week"],
  [720, "the last 30 days"],
] as const;
const usualHours = 24;

const series: readonly ChartSeries[] = [
  { id: "capacity", label: "Capacity", kind: "limit", colour: 4 },
  { id: "reserved", label: "Reserved", kind: "area", colour: 1 },
  { id: "used", label: "Used", kind: "line", colour: 2 },
  { id: "free", label: "Free", kind: "line", colour: 3 },
];

/** One istiod cluster: whether it answers, how full it is and was, and whose control planes it hosts. */
export function IstiodClusterPage({ name }: { name: string }): ReactNode {
  const { data, error, refetch } = useIstiodClusters();
  const controlPlanes = useCollection(fleetControlPlanes);
  const [asked, setAsked] = useAddressParameter("hours");
  const hours = spans.find(([span]) => String(span) === asked)?.[0] ?? usualHours;
  const { data: usage, error: usageError, refetch: readUsage } = useUsage(name, hours);
  const cluster = data?.find((one) => one.name === name);
  if (data === undefined) {
    return (
      <Card>
        {error === null ? (
          <Skeleton label={`istiod cluster ${name}`} lines={8} />
        ) : (
          <Failure title={`Istiod cluster ${name} could not be read`} error={error} onRetry={() => void refetch()} />
        )}
      </Card>
    );
  }
  if (cluster === undefined)
    return (
      <GoneState what={`istiod cluster ${name}`} back={{ href: "/admin/istiod-clusters", label: "Istiod clusters" }} />
    );
  return (
    <>
      <PageHeader title={name} status={<IstiodClusterHealth cluster={cluster} />}>
        Hosts Istio {cluster.line} in {cluster.region}.
      </PageHeader>
      {cluster.healthy === false ? (
        <Notice
          tone="bad"
          title={
            <>
              It does not answer{cluster.healthSince === null ? "" : ", since "}
              {cluster.healthSince === null ? null : <TimeAgo at={cluster.healthSince} />}
            </>
          }
        >
          {cluster.healthMessage} What runs there goes on; nothing is changed there until it answers.
        </Notice>
      ) : null}
      <NothingServes cluster={cluster} controlPlanes={controlPlanes.items} />
      <Card title="What is free">
        <Facts items={describeFree(cluster)} />
      </Card>
      <Card
        title="Capacity over time"
        aside={
          <div className={styles["span"]}>
            <SelectField
              label={<span className="visually-hidden">How far back</span>}
              value={hours}
              onChange={({ target }) => setAsked(target.value === String(usualHours) ? "" : target.value)}
            >
              {spans.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </SelectField>
          </div>
        }
      >
        {usageError === null ? null : (
          <Failure title="Capacity over time could not be read" error={usageError} onRetry={() => void readUsage()} />
        )}
        {usage === undefined && usageError === null ? <Skeleton label="capacity over time" lines={6} /> : null}
        {usage === undefined ? null : <Charts cluster={cluster} usage={usage} />}
      </Card>
      <Hosted name={name} />
    </>
  );
}

function describeFree(cluster: IstiodCluster): (readonly [string, ReactNode])[] {
  const { edgeAddresses, zones } = cluster;
  return [
    ...describeUse(cluster).map(
      ({ label, capacity, reserved, format }) =>
        [`${label} free`, `${format(Math.max(0, capacity - reserved))} of ${format(capacity)}`] as const,
    ),
    ["Edge", edgeAddresses.join(", ")],
    ["Zones", zones.length === 0 ? "—" : zones.join(", ")],
    ["Since", <TimeAgo key="since" at={cluster.createdAt} />],
  ];
}

function Charts({ cluster, usage }: { cluster: IstiodCluster; usage: Usage }): ReactNode {
  const points = usage.series.find(({ istiodCluster }) => istiodCluster === cluster.name)?.points ?? [];
  if (points.length === 0)
    return <p className={styles["none"]}>Nothing was sampled in this time. Workers take a sample each minute.</p>;
  return (
    <div className={styles["charts"]}>
      {describeUse(cluster).map(({ name, label, format }) => (
        <section key={name}>
          <h3>{label}</h3>
          <Chart
            label={`${label} of ${cluster.name} over time`}
            series={series}
            points={describeUsage(points, name satisfies keyof Capacity, usage.stepSeconds)}
            format={format}
          />
        </section>
      ))}
    </div>
  );
}

const mostHosted = 50;

function Hosted({ name }: { name: string }): ReactNode {
  const { items, isReading, isWhole, error, readAgain } = useCollection(fleetControlPlanes);
  const own = items.filter(({ revisions }) => revisions.some(({ istiodCluster }) => istiodCluster === name));
  return (
    <Card
      title="Control planes here"
      aside={<Link href={`/admin/placement?q=istiod:${name}`}>{own.length} in all</Link>}
    >
      {isReading && own.length === 0 ? <Skeleton label="control planes" /> : null}
      {error === null ? null : (
        <Failure title="The control planes could not be read" error={error} onRetry={readAgain} />
      )}
      {isWhole && own.length === 0 ? <p className={styles["none"]}>None is placed here.</p> : null}
      <ul className={styles["hosted"]}>
        {own.slice(0, mostHosted).map(({ id, tenant, name: controlPlane, version, phase }) => (
          <li key={id}>
            <span>
              <RowLink href={`/admin/placement?control-plane=${id}`}>{controlPlane}</RowLink> of {tenant}
            </span>
            <span className={styles["none"]}>Istio {version}</span>
            <ControlPlaneStatus phase={phase} quiet />
          </li>
        ))}
      </ul>
    </Card>
  );
}
