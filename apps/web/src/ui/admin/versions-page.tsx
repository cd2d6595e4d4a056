"use client";
import type { Version, VersionLine } from "@pilothouse/contract";
import { GitBranch } from "lucide-react";
import type { ReactNode } from "react";
import { useIstiodClusters, useVersionLines, useVersions } from "#client/admin-queries.ts";
import { Card } from "../card.tsx";
import { EmptyState } from "../empty-state.tsx";
import { Failure } from "../failure.tsx";
import { PageHeader } from "../page-header.tsx";
import { Skeleton } from "../skeleton.tsx";
import { Status, type StatusTone } from "../status.tsx";
import styles from "./versions-page.module.css";

const tones: Record<VersionLine["state"], StatusTone> = { supported: "ok", deprecated: "warn", retired: "off" };

/** Lines with their versions, where they can run, and how many revisions are on each. */
export function VersionsPage(): ReactNode {
  const linesRead = useVersionLines();
  const versionsRead = useVersions();
  const clustersRead = useIstiodClusters();
  const [{ data: lines }, { data: versions }, { data: clusters }] = [linesRead, versionsRead, clustersRead];
  const failed = [linesRead, versionsRead, clustersRead].filter(({ error }) => error !== null);
  const error = failed[0]?.error ?? null;
  const readAgain = (): void => failed.forEach(({ refetch }) => void refetch());
  if (lines === undefined || versions === undefined || clusters === undefined) {
    return (
      <Card>
        {error === null ? (
          <Skeleton label="versions" lines={6} />
        ) : (
          <Failure title="The versions could not be read" error={error} onRetry={readAgain} />
        )}
      </Card>
    );
  }
  return (
    <>
      <PageHeader title="Versions">
        An istiod cluster holds one line. Tenants order lines and get the newest available version.
      </PageHeader>
      {lines.length === 0 ? (
        <Card>
          <EmptyState picture={<GitBranch />} title="No version line yet">
            Make one over REST: <code>POST /api/v1/admin/version-lines</code>, then its versions.
          </EmptyState>
        </Card>
      ) : null}
      {lines
        .toSorted((a, b) => b.name.localeCompare(a.name, "en", { numeric: true }))
        .map((line) => {
          const hosts = clusters.filter((cluster) => cluster.line === line.name);
          const free = hosts.reduce((sum, { capacity, reserved }) => sum + capacity.slots - reserved.slots, 0);
          return (
            <Card
              key={line.name}
              title={`Istio ${line.name}`}
              aside={<Status tone={tones[line.state]}>{line.state}</Status>}
            >
              <p className={styles["line"]}>
                {line.revisions === 1 ? "1 revision" : `${line.revisions} revisions`} on it, room for {free} more in{" "}
                {hosts.length === 0 ? "no istiod cluster" : hosts.map(({ name }) => name).join(", ")}.
                {line.endOfSupport === null ? "" : ` Supported until ${line.endOfSupport}.`}
              </p>
              <VersionTable versions={versions.filter((version) => version.line === line.name)} />
            </Card>
          );
        })}
    </>
  );
}

function VersionTable({ versions }: { versions: readonly Version[] }): ReactNode {
  if (versions.length === 0) return <p className={styles["line"]}>It has no version yet, so it can’t be ordered.</p>;
  return (
    <table className={styles["table"]}>
      <thead>
        <tr>
          <th scope="col">Version</th>
          <th scope="col">State</th>
          <th scope="col">Revisions</th>
          <th scope="col">Image</th>
        </tr>
      </thead>
      <tbody>
        {versions.map(({ name, state, revisions, image }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              <Status tone={state === "available" ? "ok" : "off"} quiet>
                {state}
              </Status>
            </td>
            <td className="tabular">{revisions}</td>
            <td>
              <code>
                {image.hub}/pilot:{image.tag}
              </code>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
