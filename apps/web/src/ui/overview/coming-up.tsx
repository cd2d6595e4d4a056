"use client";
import type { Catalogue, Cluster, ControlPlane } from "@pilothouse/contract";
import { CalendarClock } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { findRenewal } from "#client/find-renewal.ts";
import { Card } from "../card.tsx";
import { Skeleton } from "../skeleton.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./coming-up.module.css";

const most = 6;

interface Coming {
  id: string;
  at: string;
  what: string;
}

function listComing(
  clusters: readonly Cluster[],
  controlPlanes: readonly ControlPlane[],
  catalogue: Catalogue | undefined,
): Coming[] {
  const renewals = clusters.flatMap(({ id, name, token }): Coming[] => {
    if (token === null) return [];
    return [{ id, at: findRenewal(token), what: `Credential for cluster ${name} is renewed` }];
  });
  const inUse = new Set(controlPlanes.map(({ line }) => line));
  const ends = (catalogue?.lines ?? []).flatMap(({ name, endOfSupport }): Coming[] =>
    endOfSupport === null || !inUse.has(name)
      ? []
      : [{ id: `line-${name}`, at: `${endOfSupport}T00:00:00.000Z`, what: `Support of Istio ${name} ends` }],
  );
  return [...renewals, ...ends].toSorted((a, b) => (a.at < b.at ? -1 : 1));
}

/** What will change by itself, the next first. */
export function ComingUp({
  controlPlanes,
  clusters,
  catalogue,
  state,
}: {
  controlPlanes: readonly ControlPlane[];
  clusters: readonly Cluster[];
  catalogue: Catalogue | undefined;
  /** Whether all of it has come: what is not there yet may be what changes next. */
  state: "reading" | "read" | "failed";
}): ReactNode {
  const [nowMs, setNowMs] = useState<number | undefined>(undefined);
  // Only the browser knows its clock; what it shows must be what the server has shown first.
  useEffect(() => setNowMs(Date.now()), [clusters]);
  const coming = listComing(clusters, controlPlanes, catalogue).filter(
    ({ at }) => nowMs !== undefined && Date.parse(at) > nowMs,
  );
  return (
    <Card title="Changes next">
      {coming.length === 0 ? (
        state === "reading" || nowMs === undefined ? (
          <Skeleton label="what changes next" lines={1} />
        ) : (
          <p className={styles["none"]}>
            {state === "failed" ? "That can’t be seen now." : "Nothing that is known of."}
          </p>
        )
      ) : (
        <ol className={styles["coming"]}>
          {coming.slice(0, most).map(({ id, at, what }) => (
            <li key={id}>
              <CalendarClock aria-hidden="true" />
              <span>{what}</span>
              <TimeAgo at={at} />
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
