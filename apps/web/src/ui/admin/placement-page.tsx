"use client";
import type { FleetControlPlane, PlacedControlPlane } from "@pilothouse/contract";
import { MapPin } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { usePlacedControlPlane } from "#client/admin-queries.ts";
import { useCollection } from "#client/collection.ts";
import { fleetControlPlanes } from "#client/collections.ts";
import { isGone } from "#client/queries.ts";
import { useAddressParameter } from "#client/use-address.ts";
import { Button } from "../button.tsx";
import { Card, Facts } from "../card.tsx";
import { CollectionTable } from "../collection-table.tsx";
import { Conditions } from "../conditions.tsx";
import { ControlPlaneStatus } from "../control-planes/phase.tsx";
import { PlacementReasons } from "../control-planes/placement-reasons.tsx";
import { Copyable } from "../copy-button.tsx";
import type { Column } from "../data-table.tsx";
import { EmptyState } from "../empty-state.tsx";
import { Failure } from "../failure.tsx";
import { Link } from "../link.tsx";
import { PageHeader } from "../page-header.tsx";
import { Skeleton } from "../skeleton.tsx";
import { textColumn } from "../text-column.ts";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./placement-page.module.css";
import { describeUse } from "./use-of.ts";

const istiodClustersOf = ({ revisions }: FleetControlPlane): string =>
  revisions.map(({ istiodCluster }) => istiodCluster).join(" ");

const listColumns = (choose: (id: string) => void): Column<FleetControlPlane>[] => [
  {
    id: "name",
    header: "Control plane",
    cell: ({ id, name }) => (
      <button type="button" className={styles["open"]} onClick={() => choose(id)}>
        {name}
      </button>
    ),
    text: ({ name }) => name,
    sortBy: ({ name }) => name,
    note: (controlPlane) => `${controlPlane.tenant} · ${istiodClustersOf(controlPlane) || "nowhere yet"}`,
  },
  textColumn("tenant", "Tenant", ({ tenant }) => tenant, "wide"),
  {
    id: "phase",
    header: "Phase",
    cell: ({ phase }) => <ControlPlaneStatus phase={phase} quiet />,
    text: ({ phase }) => phase,
    sortBy: ({ phase }) => phase,
  },
  textColumn("version", "Version", ({ version }) => version, "widest"),
  textColumn("seed", "Seed", ({ seed }) => seed, "widest"),
  {
    id: "istiod",
    header: "Runs in",
    cell: (controlPlane) => istiodClustersOf(controlPlane) || "nowhere yet",
    text: istiodClustersOf,
    sortBy: istiodClustersOf,
    room: "wide",
  },
  {
    id: "proxies",
    header: "Proxies",
    cell: ({ revisions }) => countProxies(revisions) ?? "—",
    sortBy: ({ revisions }) => countProxies(revisions) ?? -1,
    room: "widest",
    align: "end",
  },
];

/** Of all revisions that were asked; undefined when none was. */
function countProxies(revisions: FleetControlPlane["revisions"]): number | undefined {
  const known = revisions.flatMap(({ proxies }) => (proxies === null ? [] : [proxies]));
  return known.length === 0 ? undefined : known.reduce((sum, count) => sum + count, 0);
}

/** All control planes of all tenants, and for each why it runs where it does. */
export function PlacementPage(): ReactNode {
  const controlPlanes = useCollection(fleetControlPlanes);
  const [chosen, setChosen] = useAddressParameter("control-plane");
  const columns = useMemo(() => listColumns(setChosen), [setChosen]);
  return (
    <>
      <PageHeader title="Placement">
        Where each control plane runs, and why there: the reasons as they were when it was decided.
      </PageHeader>
      {chosen === "" ? null : <WhyHere id={chosen} onClose={() => setChosen("")} />}
      <CollectionTable
        collection={controlPlanes}
        label="control planes"
        columns={columns}
        empty={
          <EmptyState picture={<MapPin />} title="No control plane yet">
            When a tenant orders one, it is placed near the tenant’s seed, and this page says why there.
          </EmptyState>
        }
      />
    </>
  );
}

function WhyHere({ id, onClose }: { id: string; onClose: () => void }): ReactNode {
  const { data, error, refetch } = usePlacedControlPlane(id);
  const close = (
    <Button size="small" onClick={onClose}>
      Close
    </Button>
  );
  if (data === undefined) {
    return (
      <Card title="Why here" aside={close}>
        {error === null ? (
          <Skeleton label="the reasons" lines={6} />
        ) : (
          <Failure
            title={isGone(error) ? "This control plane is gone" : "The reasons could not be read"}
            error={error}
            onRetry={() => void refetch()}
          />
        )}
      </Card>
    );
  }
  return (
    <Card
      title={
        <>
          Why {data.name} of {data.tenant} runs there
        </>
      }
      aside={close}
    >
      <div className={styles["reasons"]}>
        {data.revisions.length === 0 ? <p className={styles["none"]}>It has no revision any more.</p> : null}
        {data.revisions.map((revision) => (
          <Revision key={revision.id} controlPlane={data} revision={revision} />
        ))}
      </div>
    </Card>
  );
}

function Revision({
  controlPlane: { cluster, seed, seedRegion, phase },
  revision,
}: {
  controlPlane: PlacedControlPlane;
  revision: PlacedControlPlane["revisions"][number];
}): ReactNode {
  const { id, version, istiodCluster, region, replicas, cpuMilli, memoryMib, proxies, createdAt, placement } = revision;
  const reserved = describeUse({
    capacity: { slots: 1, cpuMilli, memoryMib },
    reserved: { slots: 1, cpuMilli, memoryMib },
  });
  return (
    <section className={styles["revision"]}>
      <Facts
        items={[
          [
            "Runs in",
            <Link key="in" href={`/admin/istiod-clusters/${istiodCluster}`}>{`${istiodCluster} (${region})`}</Link>,
          ],
          ["For cluster", cluster],
          ["Its seed", seed === null ? "not known" : `${seed} (${seedRegion ?? "?"})`],
          ["Phase", <ControlPlaneStatus key="phase" phase={phase} quiet />],
          ["Version", version],
          ["Replicas", replicas],
          [
            "Reserves",
            reserved
              .slice(1)
              .map(({ format, reserved: amount }) => format(amount))
              .join(", "),
          ],
          ["Proxies connected", proxies ?? "not counted yet"],
          ["Decided", <TimeAgo key="at" at={createdAt} />],
          ["Revision", <Copyable key="id" text={id} label="revision" />],
        ]}
      />
      <PlacementReasons placement={placement} />
      <details className={styles["conditions"]}>
        <summary>Its conditions</summary>
        <Conditions conditions={revision.conditions} />
      </details>
    </section>
  );
}
