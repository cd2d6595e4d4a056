"use client";
import type { FleetControlPlane, IstiodCluster } from "@pilothouse/contract";
import { Network } from "lucide-react";
import type { ReactNode } from "react";
import { useIstiodClusters, useRegions, useSeeds } from "#client/admin-queries.ts";
import { useCollection } from "#client/collection.ts";
import { fleetControlPlanes } from "#client/collections.ts";
import { Card } from "../card.tsx";
import { EmptyState } from "../empty-state.tsx";
import { Failure } from "../failure.tsx";
import { HealthLine } from "../health-line.tsx";
import { Notice } from "../notice.tsx";
import { PageHeader } from "../page-header.tsx";
import { RowLink } from "../row-link.tsx";
import { Skeleton } from "../skeleton.tsx";
import { Status } from "../status.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./fleet-page.module.css";
import { IstiodClusterHealth } from "./istiod-cluster-health.tsx";
import { NothingServes } from "./nothing-serves.tsx";
import { countService } from "./service-in.ts";
import { describeUse, findTightest, toneOfUse } from "./use-of.ts";

const rank = ({ healthy }: IstiodCluster): number => (healthy === false ? 0 : healthy === null ? 1 : 2);

/** Regions with their seeds and istiod clusters: what is wrong comes first, then what is full. */
export function FleetPage(): ReactNode {
  const controlPlanes = useCollection(fleetControlPlanes);
  const regionsRead = useRegions();
  const seedsRead = useSeeds();
  const clustersRead = useIstiodClusters();
  const [{ data: regions }, { data: seeds }, { data: clusters }] = [regionsRead, seedsRead, clustersRead];
  const failed = [regionsRead, seedsRead, clustersRead].filter(({ error }) => error !== null);
  const error = failed[0]?.error ?? null;
  const readAgain = (): void => failed.forEach(({ refetch }) => void refetch());
  const troubled = (clusters ?? []).filter(({ healthy }) => healthy === false);
  const full = (clusters ?? []).filter(
    (cluster) => cluster.healthy !== false && toneOfUse(findTightest(cluster)) === "bad",
  );
  if (regions === undefined || seeds === undefined || clusters === undefined) {
    return (
      <Card>
        {error === null ? (
          <Skeleton label="the fleet" lines={8} />
        ) : (
          <Failure title="The fleet could not be read" error={error} onRetry={readAgain} />
        )}
      </Card>
    );
  }
  return (
    <>
      <PageHeader title="Fleet">Where control planes run, and near which seeds.</PageHeader>
      {controlPlanes.isReading && controlPlanes.items.length === 0 ? (
        <Skeleton label="control planes" lines={1} />
      ) : null}
      {controlPlanes.error === null ? null : (
        <Failure
          title="The control planes could not be read"
          error={controlPlanes.error}
          onRetry={controlPlanes.readAgain}
        />
      )}
      {controlPlanes.items.length === 0 && !controlPlanes.isWhole ? null : (
        <Card>
          <HealthLine controlPlanes={controlPlanes.items} list="/admin/placement" />
        </Card>
      )}
      {troubled.map(({ name, healthMessage, healthSince }) => (
        <Notice
          key={name}
          tone="bad"
          title={
            <>
              Istiod cluster <RowLink href={`/admin/istiod-clusters/${name}`}>{name}</RowLink> does not answer
              {healthSince === null ? "" : ", since "}
              {healthSince === null ? null : <TimeAgo at={healthSince} />}
            </>
          }
        >
          {healthMessage} What runs there goes on; nothing is changed there until it answers.
        </Notice>
      ))}
      {clusters.map((cluster) => (
        <NothingServes key={cluster.name} cluster={cluster} controlPlanes={controlPlanes.items} />
      ))}
      {full.map(({ name }) => (
        <Notice key={name} tone="warn" title={`Istiod cluster ${name} is nearly full`}>
          Add another one of its line, or give it more capacity.
        </Notice>
      ))}
      {regions.length === 0 ? (
        <Card>
          <EmptyState picture={<Network />} title="No region yet">
            Make a region, a seed and an istiod cluster over REST: <code>POST /api/v1/admin/regions</code>,{" "}
            <code>/admin/seeds</code>, <code>/admin/istiod-clusters</code>.
          </EmptyState>
        </Card>
      ) : null}
      <div className={styles["regions"]}>
        {regions.map(({ name, displayName }) => {
          const own = clusters.filter(({ region }) => region === name).toSorted((a, b) => rank(a) - rank(b));
          const places = seeds.filter(({ region }) => region === name);
          return (
            <Card
              key={name}
              title={displayName === name ? name : `${displayName} (${name})`}
              aside={
                <span className={styles["seeds"]}>
                  {places.length === 0
                    ? "no seed"
                    : `${places.length === 1 ? "Seed" : "Seeds"} ${places.map((seed) => seed.name).join(", ")}`}
                </span>
              }
            >
              {own.length === 0 ? <p className={styles["seeds"]}>No istiod cluster here.</p> : null}
              <ul className={styles["tiles"]}>
                {own.map((cluster) => (
                  <Tile key={cluster.name} cluster={cluster} controlPlanes={controlPlanes.items} />
                ))}
              </ul>
            </Card>
          );
        })}
      </div>
    </>
  );
}

/** One istiod cluster: its line, whether it answers, what of it does not serve, and how much of it is reserved. */
function Tile({
  cluster,
  controlPlanes,
}: {
  cluster: IstiodCluster;
  controlPlanes: readonly FleetControlPlane[];
}): ReactNode {
  const { name, line, healthy, reserved, capacity } = cluster;
  const share = findTightest(cluster);
  const { failing } = countService(controlPlanes, name);
  return (
    <li className={styles["tile"]} data-istiod-cluster={name} data-healthy={String(healthy)}>
      <div className={styles["head"]}>
        <RowLink href={`/admin/istiod-clusters/${name}`}>{name}</RowLink>
        <span className={styles["line"]}>Istio {line}</span>
      </div>
      <div className={styles["state"]}>
        <IstiodClusterHealth cluster={cluster} />
        {failing === 0 ? null : (
          <RowLink href={`/admin/placement?q=istiod:${name} phase:degraded`}>
            <Status tone="bad" quiet>
              {failing === 1 ? "1 does not serve" : `${failing} do not serve`}
            </Status>
          </RowLink>
        )}
      </div>
      <div className={styles["fill"]} data-tone={toneOfUse(share)}>
        <span style={{ width: `${Math.min(100, share * 100)}%` }} />
      </div>
      <p className={styles["numbers"]}>
        {reserved.slots} of {capacity.slots} revisions
        {describeUse(cluster)
          .slice(1)
          .map(({ name: resource, label, share: part }) => (
            <span key={resource}>
              {label} {Math.round(part * 100)} %
            </span>
          ))}
      </p>
    </li>
  );
}
