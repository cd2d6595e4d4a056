"use client";
import type { TenantEvent } from "@pilothouse/contract";
import { History as Clock } from "lucide-react";
import type { ReactNode } from "react";
import { useEventHistory } from "#client/history.ts";
import { Card } from "../card.tsx";
import { type Column, DataTable } from "../data-table.tsx";
import { describeEvent } from "../describe-event.ts";
import { EmptyState } from "../empty-state.tsx";
import { nameObject } from "../event-list.tsx";
import { Failure } from "../failure.tsx";
import { Older } from "../older.tsx";
import { Skeleton } from "../skeleton.tsx";
import { Status } from "../status.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./activity-page.module.css";

const columns: readonly Column<TenantEvent>[] = [
  {
    id: "object",
    header: "Object",
    cell: ({ object }) => nameObject(object.name),
    text: ({ object }) => object.name,
    sortBy: ({ object }) => object.name,
  },
  {
    id: "what",
    header: "What",
    cell: (event) => {
      const { what, tone, message } = describeEvent(event);
      return (
        <>
          {tone === undefined ? (
            what
          ) : (
            <Status tone={tone} quiet>
              {what}
            </Status>
          )}
          {message === null ? null : <p className={styles["message"]}>{message}</p>}
        </>
      );
    },
    text: (event) => `${event.type} ${describeEvent(event).what} ${event.message ?? ""}`,
    sortBy: ({ type }) => type,
  },
  {
    id: "reason",
    header: "Reason",
    cell: ({ reason }) => (reason === null ? "" : <code>{reason}</code>),
    text: ({ reason }) => reason ?? "",
    sortBy: ({ reason }) => reason ?? "",
    room: "wide",
  },
  { id: "at", header: "When", cell: ({ at }) => <TimeAgo at={at} />, sortBy: ({ at }) => at },
];

/** What happened to all objects of a tenant, the newest first. */
export function EventTable({ tenant }: { tenant: string }): ReactNode {
  const history = useEventHistory(tenant);
  const { items, error, readAgain } = history;
  if (items === undefined) {
    return error === null ? (
      <Card>
        <Skeleton label="events" lines={6} />
      </Card>
    ) : (
      <Failure title="The events could not be read" error={error} onRetry={readAgain} />
    );
  }
  return (
    <DataTable
      label="events"
      name="events"
      rows={items}
      columns={columns}
      rowId={({ id }) => id}
      after={<Older history={history} label="events" />}
      empty={
        <Card>
          <EmptyState picture={<Clock />} title="Nothing in the last 30 days">
            Whatever changes by itself or by request is told here, with its reason.
          </EmptyState>
        </Card>
      }
    />
  );
}
