"use client";
import type { Cluster, ControlPlane } from "@pilothouse/contract";
import { Anchor, ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import { useCollection } from "#client/collection.ts";
import { clustersOf, controlPlanesOf } from "#client/collections.ts";
import { useCatalogue, useLatestOperations } from "#client/queries.ts";
import { Button } from "../button.tsx";
import { Card } from "../card.tsx";
import { EmptyState } from "../empty-state.tsx";
import { Failure } from "../failure.tsx";
import { HealthLine } from "../health-line.tsx";
import { Link } from "../link.tsx";
import { Notice } from "../notice.tsx";
import { OperationStatus, operationWords } from "../operation-progress.tsx";
import { PageHeader } from "../page-header.tsx";
import { RowLink } from "../row-link.tsx";
import { Skeleton } from "../skeleton.tsx";
import { Status } from "../status.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { ComingUp } from "./coming-up.tsx";
import styles from "./overview-page.module.css";

interface Concern {
  id: string;
  tone: "bad" | "unknown";
  title: string;
  message: string;
  href: string;
  since: string;
  rank: number;
}

function listConcerns(tenant: string, controlPlanes: readonly ControlPlane[], clusters: readonly Cluster[]): Concern[] {
  const planes = controlPlanes.flatMap(({ id, name, phase, conditions }): Concern[] => {
    const ready = conditions.find(({ type }) => type === "Ready");
    if ((phase !== "Degraded" && phase !== "Unknown") || ready === undefined) return [];
    const isBad = phase === "Degraded";
    return [
      {
        id,
        tone: isBad ? "bad" : "unknown",
        title: isBad ? `${name} does not serve its mesh` : `${name} can’t be seen`,
        message: ready.message,
        href: `/tenants/${tenant}/control-planes/${name}`,
        since: ready.lastTransitionAt,
        rank: isBad ? 0 : 2,
      },
    ];
  });
  const connections = clusters.flatMap(({ id, name, phase, conditions, createdAt }): Concern[] => {
    if (phase !== "ConnectFailed" && phase !== "Degraded" && phase !== "Unknown") return [];
    const problem = conditions.find(({ status }) => status !== "True");
    const isUnknown = phase === "Unknown";
    return [
      {
        id,
        tone: isUnknown ? "unknown" : "bad",
        title: phase === "ConnectFailed" ? `Cluster ${name} is not connected` : `Cluster ${name} can’t be used`,
        message: problem?.message ?? "Look at its conditions.",
        href: `/tenants/${tenant}/clusters/${name}`,
        since: problem?.lastTransitionAt ?? createdAt,
        rank: isUnknown ? 3 : 1,
      },
    ];
  });
  return [...planes, ...connections].toSorted((a, b) => a.rank - b.rank || (a.since < b.since ? -1 : 1));
}

/** Whether anything is wrong, what happens now, what comes next; then what there is. */
export function OverviewPage({ tenant }: { tenant: string }): ReactNode {
  const controlPlanes = useCollection(controlPlanesOf(tenant));
  const clusters = useCollection(clustersOf(tenant));
  const { data: catalogue, error: catalogueError } = useCatalogue();
  const concerns = listConcerns(tenant, controlPlanes.items, clusters.items);
  const isWhole = controlPlanes.isWhole && clusters.isWhole;
  if (isWhole && clusters.items.length === 0 && controlPlanes.items.length === 0) return <Welcome tenant={tenant} />;
  const failed = [controlPlanes, clusters].find(({ error }) => error !== null);
  return (
    <>
      <PageHeader title="Overview" />
      {failed === undefined || failed.error === null ? null : (
        <Failure
          title="Not everything could be read"
          error={failed.error}
          onRetry={() => {
            controlPlanes.readAgain();
            clusters.readAgain();
          }}
        />
      )}
      {controlPlanes.isReading && controlPlanes.items.length === 0 ? (
        <Card>
          <Skeleton label="your control planes" />
        </Card>
      ) : null}
      {controlPlanes.items.length === 0 && !controlPlanes.isWhole ? null : (
        <Card>
          <HealthLine controlPlanes={controlPlanes.items} list={`/tenants/${tenant}/control-planes`} />
        </Card>
      )}
      <Card title="Needs your attention" aside={<Count count={concerns.length} />}>
        {concerns.length === 0 && !isWhole ? (
          failed === undefined ? (
            <Skeleton label="what needs your attention" lines={1} />
          ) : (
            <p className={styles["calm"]}>That can’t be seen now.</p>
          )
        ) : concerns.length === 0 ? (
          <p className={styles["calm"]}>
            <Status tone="ok" quiet>
              Nothing
            </Status>
            Everything that can be seen is as you wished.
          </p>
        ) : (
          <ul className={styles["concerns"]}>
            {concerns.slice(0, 20).map(({ id, tone, title, message, href, since }) => (
              <li key={id}>
                <Notice
                  tone={tone}
                  isNews={false}
                  title={
                    <>
                      <RowLink href={href}>{title}</RowLink>, since <TimeAgo at={since} />
                    </>
                  }
                >
                  {message}
                </Notice>
              </li>
            ))}
          </ul>
        )}
      </Card>
      <div className={styles["columns"]}>
        <Now tenant={tenant} />
        <ComingUp
          controlPlanes={controlPlanes.items}
          clusters={clusters.items}
          catalogue={catalogue}
          state={
            isWhole && catalogue !== undefined
              ? "read"
              : failed === undefined && (catalogue !== undefined || catalogueError === null)
                ? "reading"
                : "failed"
          }
        />
      </div>
      <VersionsInUse tenant={tenant} controlPlanes={controlPlanes.items} catalogue={catalogue} />
    </>
  );
}

function Count({ count }: { count: number }): ReactNode {
  return <span className={styles["count"]}>{count === 0 ? "" : count}</span>;
}

function Welcome({ tenant }: { tenant: string }): ReactNode {
  return (
    <>
      <PageHeader title="Overview" />
      <Card>
        <EmptyState
          picture={<Anchor />}
          title="From a kubeconfig to a mesh in a few minutes"
          action={
            <Button asChild kind="primary">
              <Link href={`/tenants/${tenant}/clusters/connect`}>Connect a cluster</Link>
            </Button>
          }
        >
          Connect a Kubernetes cluster, choose an Istio line, and label a namespace.
        </EmptyState>
      </Card>
    </>
  );
}

const mostShown = 6;

/** Operations under way, and the last ones that ended. */
function Now({ tenant }: { tenant: string }): ReactNode {
  const { data, error, refetch } = useLatestOperations(tenant, mostShown);
  const shown = data?.items.toSorted((a, b) => Number(b.state === "running") - Number(a.state === "running"));
  const isBusy = shown?.some(({ state }) => state === "running") === true;
  return (
    <Card
      title={isBusy ? "Happening now" : "Happened last"}
      aside={
        <Link href={`/tenants/${tenant}/activity`}>
          All activity <ChevronRight aria-hidden="true" className={styles["chevron"]} />
        </Link>
      }
    >
      {error === null ? null : (
        <Failure title="Operations could not be read" error={error} onRetry={() => void refetch()} />
      )}
      {shown === undefined ? (
        error === null ? (
          <Skeleton label="operations" />
        ) : null
      ) : shown.length === 0 ? (
        <p className={styles["calm"]}>Nothing has been changed yet.</p>
      ) : (
        <ul className={styles["list"]}>
          {shown.map(({ id, kind, object, state, createdAt, finishedAt }) => (
            <li key={id}>
              <span>
                {operationWords[kind]} {kind.startsWith("cluster") ? "cluster " : ""}
                <strong>{object.name}</strong>
              </span>
              <OperationStatus state={state} quiet />
              <TimeAgo at={finishedAt ?? createdAt} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function VersionsInUse({
  tenant,
  controlPlanes,
  catalogue,
}: {
  tenant: string;
  controlPlanes: readonly ControlPlane[];
  catalogue: { lines: readonly { name: string; state: string; endOfSupport: string | null }[] } | undefined;
}): ReactNode {
  const byVersion = [...Map.groupBy(controlPlanes, ({ version }) => version)].toSorted(([a], [b]) =>
    b.localeCompare(a, "en", { numeric: true }),
  );
  if (byVersion.length === 0) return null;
  return (
    <Card title="Versions in use">
      <ul className={styles["versions"]}>
        {byVersion.map(([version, planes]) => {
          const line = catalogue?.lines.find(({ name }) => name === planes[0]?.line);
          return (
            <li key={version}>
              <Link href={`/tenants/${tenant}/control-planes?q=version:${version}`}>Istio {version}</Link>
              <span className={styles["muted"]}>
                {planes.length === 1 ? "1 control plane" : `${planes.length} control planes`}
              </span>
              <span>
                {line?.state === "deprecated" ? <Status tone="warn">deprecated</Status> : null}
                {line?.endOfSupport === null || line === undefined ? null : (
                  <>
                    {" "}
                    supported until <time dateTime={line.endOfSupport}>{line.endOfSupport}</time>
                  </>
                )}
              </span>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
