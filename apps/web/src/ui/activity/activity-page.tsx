"use client";
import type { Operation } from "@pilothouse/contract";
import { Activity } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useEvents, useOperations } from "#client/queries.ts";
import { Card } from "../card.tsx";
import { type Column, DataTable } from "../data-table.tsx";
import { Dialog } from "../dialog.tsx";
import { EmptyState } from "../empty-state.tsx";
import { EventList } from "../event-list.tsx";
import { OperationProgress, OperationStatus, operationWords } from "../operation-progress.tsx";
import { PageHeader } from "../page-header.tsx";
import { Skeleton } from "../skeleton.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./activity-page.module.css";

const formatTook = ({ createdAt, finishedAt }: Operation): string => {
  if (finishedAt === null) return "";
  const seconds = (Date.parse(finishedAt) - Date.parse(createdAt)) / 1_000;
  return seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
};

const listColumns = (open: (operation: Operation) => void): Column<Operation>[] => [
  {
    id: "object",
    header: "Object",
    cell: (operation) => (
      <button type="button" className={styles["open"]} onClick={() => open(operation)}>
        {operation.object.name}
      </button>
    ),
    text: ({ object }) => object.name,
    sortBy: ({ object }) => object.name,
  },
  {
    id: "kind",
    header: "Operation",
    cell: ({ kind }) => `${operationWords[kind]} ${kind.startsWith("cluster") ? "a cluster" : "a control plane"}`,
    text: ({ kind }) => kind,
    sortBy: ({ kind }) => kind,
    room: "wide",
  },
  {
    id: "state",
    header: "State",
    cell: ({ state }) => <OperationStatus state={state} quiet />,
    text: ({ state }) => state,
    sortBy: ({ state }) => state,
  },
  {
    id: "began",
    header: "Began",
    cell: ({ createdAt }) => <TimeAgo at={createdAt} />,
    sortBy: ({ createdAt }) => createdAt,
    room: "wide",
  },
  {
    id: "took",
    header: "Took",
    cell: formatTook,
    sortBy: ({ createdAt, finishedAt }) => (finishedAt === null ? 0 : Date.parse(finishedAt) - Date.parse(createdAt)),
    room: "wide",
    align: "end",
  },
];

/** What was changed, by operations, and what happened, by events: the newest first. */
export function ActivityPage({ tenant }: { tenant: string }): ReactNode {
  const { data: found } = useOperations(tenant);
  const { data: events } = useEvents(tenant);
  const [shown, setShown] = useState<string | undefined>(undefined);
  const operation = found?.items.find(({ id }) => id === shown);
  return (
    <>
      <PageHeader title="Activity">Operations with their steps, and events of the last 30 days.</PageHeader>
      {found === undefined ? (
        <Card>
          <Skeleton label="operations" lines={6} />
        </Card>
      ) : (
        <DataTable
          label="operations"
          rows={found.items}
          columns={listColumns(({ id }) => setShown(id))}
          rowId={({ id }) => id}
          empty={
            <Card>
              <EmptyState picture={<Activity />} title="Nothing has been changed yet">
                Each change that takes time is an operation. Its steps, its times and its end are kept here.
              </EmptyState>
            </Card>
          }
        />
      )}
      <Card title="Events">
        {events === undefined ? <Skeleton label="events" lines={6} /> : <EventList events={events.items} />}
      </Card>
      <Dialog
        open={operation !== undefined}
        onOpenChange={(isOpen) => !isOpen && setShown(undefined)}
        title="Operation"
        description={operation === undefined ? "" : `${operation.id}, asked for by ${operation.requestedBy}`}
      >
        {operation === undefined ? null : <OperationProgress operation={operation} />}
      </Dialog>
    </>
  );
}
