"use client";
import type { Work, WorkItem } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { useWork } from "#client/admin-queries.ts";
import { Card } from "../card.tsx";
import { Failure } from "../failure.tsx";
import { Notice } from "../notice.tsx";
import { operationWords } from "../operation-progress.tsx";
import { PageHeader } from "../page-header.tsx";
import { Skeleton } from "../skeleton.tsx";
import { Status } from "../status.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./work-page.module.css";
import { Workers } from "./workers.tsx";

const kindWords: Record<WorkItem["kind"], { title: string; one: string; held: string }> = {
  cluster: { title: "Connections to clusters", one: "connection", held: "Being looked at" },
  revision: { title: "Revisions", one: "revision", held: "Being looked at" },
  sentinel: { title: "Sentinels", one: "sentinel", held: "Watched" },
};

/** Work that waits longer is not kept up with, in seconds; workers take what is due within half a second when they have room. */
const lateSeconds = 15;

const nameKind = (kind: string): string =>
  Object.entries(operationWords).find(([known]) => known === kind)?.[1] ?? kind;

const formatWait = (seconds: number): string =>
  seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;

/** Whether the workers keep up: what waits, what fails, what is under way, and how each worker does. */
export function WorkPage(): ReactNode {
  const { data, error, refetch } = useWork();
  if (data === undefined) {
    return (
      <Card>
        {error === null ? (
          <Skeleton label="the work" lines={8} />
        ) : (
          <Failure title="The work could not be read" error={error} onRetry={() => void refetch()} />
        )}
      </Card>
    );
  }
  return (
    <>
      <PageHeader title="Work">Whether the workers keep up with what has to be looked at.</PageHeader>
      {error === null ? null : (
        <Failure title="The work could not be read just now" error={error} onRetry={() => void refetch()} />
      )}
      <Troubles work={data} />
      <ul className={styles["kinds"]}>
        {data.kinds.map(({ kind, items, due, held, failing, oldestSeconds }) => (
          <li key={kind} data-kind={kind}>
            <h2>{kindWords[kind].title}</h2>
            <p className={styles["number"]}>{items}</p>
            <dl>
              <div>
                <dt>{kindWords[kind].held}</dt>
                <dd>{held}</dd>
              </div>
              <div>
                <dt>Due</dt>
                <dd>{due}</dd>
              </div>
              <div>
                <dt>Longest wait</dt>
                <dd>{due === 0 ? "—" : formatWait(oldestSeconds)}</dd>
              </div>
              <div>
                <dt>Last look failed</dt>
                <dd>
                  {failing === 0 ? (
                    failing
                  ) : (
                    <Status tone="warn" quiet>
                      {failing}
                    </Status>
                  )}
                </dd>
              </div>
            </dl>
          </li>
        ))}
      </ul>
      <Workers workers={data.workers} />
      <Card title="Operations under way">
        {data.operations.length === 0 ? (
          <p className={styles["none"]}>None.</p>
        ) : (
          <ul className={styles["list"]}>
            {data.operations.map(({ id, kind, tenant, object, reason, createdAt }) => (
              <li key={id}>
                <span>
                  <strong>{object}</strong> of {tenant}
                </span>
                <span>{nameKind(kind)}</span>
                <span>{reason === null ? "" : <code>{reason}</code>}</span>
                <span>
                  began <TimeAgo at={createdAt} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Card>
      <div className={styles["columns"]}>
        <Items title="Waits for a worker" items={data.waiting} none="Nothing waits." />
        <Items title="Last look failed" items={data.failing} none="Nothing fails." />
      </div>
    </>
  );
}

function Troubles({ work: { workers, kinds } }: { work: Work }): ReactNode {
  const stale = workers.filter(({ isStale }) => isStale);
  const late = kinds.filter(({ due, oldestSeconds }) => due > 0 && oldestSeconds > lateSeconds);
  const open = workers.flatMap(({ id, breakers }) =>
    breakers.filter(({ state }) => state !== "closed").map(({ istiodCluster }) => `${istiodCluster} (${id})`),
  );
  return (
    <>
      {workers.length === 0 ? (
        <Notice tone="bad" title="No worker reports">
          Nothing is looked at, and nothing that is ordered is made. Start a worker:{" "}
          <code>node apps/worker/src/main.ts</code>.
        </Notice>
      ) : null}
      {stale.map(({ id, reportedAt }) => (
        <Notice
          key={id}
          tone="warn"
          title={
            <>
              Worker {id} has not reported since <TimeAgo at={reportedAt} />
            </>
          }
        >
          It hangs, or is gone without a word. What it held is taken by others when its lease is over.
        </Notice>
      ))}
      {late.map(({ kind, due, oldestSeconds }) => (
        <Notice key={kind} tone="warn" title={`${kindWords[kind].title} wait for ${formatWait(oldestSeconds)}`}>
          {due} are due. Start another worker if this goes on.
        </Notice>
      ))}
      {open.length === 0 ? null : (
        <Notice tone="bad" title="Circuit breakers are open">
          Nothing is sent to {open.join(", ")} until it answers again.
        </Notice>
      )}
    </>
  );
}

function Items({ title, items, none }: { title: string; items: readonly WorkItem[]; none: string }): ReactNode {
  return (
    <Card title={title} aside={items.length === 0 ? undefined : <span className={styles["none"]}>{items.length}</span>}>
      {items.length === 0 ? <p className={styles["none"]}>{none}</p> : null}
      <ul className={styles["items"]}>
        {items.map(({ kind, object, tenant, istiodCluster, dueAt, failures, heldBy }) => (
          <li key={`${kind} ${tenant} ${object}`}>
            <span>
              <strong>{object}</strong> of {tenant}
            </span>
            <span className={styles["none"]}>
              {kindWords[kind].one}
              {istiodCluster === null || kind === "cluster" ? "" : ` in ${istiodCluster}`}
              {failures === 0 ? "" : `, failed ${failures === 1 ? "once" : `${failures} times`}`}
              {heldBy === null ? "" : `, held by ${heldBy}`}
            </span>
            <span className={styles["none"]}>
              due <TimeAgo at={dueAt} />
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
