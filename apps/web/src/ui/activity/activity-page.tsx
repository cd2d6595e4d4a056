"use client";
import type { Operation } from "@pilothouse/contract";
import { Activity } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { useEvents, useOperations } from "#client/queries.ts";
import { Card } from "../card.tsx";
import { type Column, DataTable } from "../data-table.tsx";
import { Dialog } from "../dialog.tsx";
import { EmptyState } from "../empty-state.tsx";
import { EventList } from "../event-list.tsx";
import { OperationProgress, OperationStatus, operationWords } from "../operation-progress.tsx";
import { PageHeader } from "../page-header.tsx";
import { Skeleton } from "../skeleton.tsx";
import { Tabs } from "../tabs.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { AuditList } from "./audit-list.tsx";
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
  const [shown, setShown] = useState<string | undefined>(undefined);
  const operation = found?.items.find(({ id }) => id === shown);
  return (
    <>
      <PageHeader title="Activity">
        What was changed with its steps, what happened in the last 30 days, and who asked for what.
      </PageHeader>
      <Tabs
        label="Kinds of activity"
        tabs={[
          { id: "operations", label: "Operations", content: <Operations tenant={tenant} onOpen={setShown} /> },
          { id: "events", label: "Events", content: <Events tenant={tenant} /> },
          { id: "audit", label: "Who did what", content: <AuditList tenant={tenant} /> },
        ]}
      />
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

function Operations({ tenant, onOpen }: { tenant: string; onOpen: (id: string) => void }): ReactNode {
  const { data } = useOperations(tenant);
  const columns = useMemo(() => listColumns(({ id }) => onOpen(id)), [onOpen]);
  if (data === undefined)
    return (
      <Card>
        <Skeleton label="operations" lines={6} />
      </Card>
    );
  return (
    <DataTable
      label="operations"
      rows={data.items}
      columns={columns}
      rowId={({ id }) => id}
      empty={
        <Card>
          <EmptyState picture={<Activity />} title="Nothing has been changed yet">
            Each change that takes time is an operation. Its steps, its times and its end are kept here.
          </EmptyState>
        </Card>
      }
    />
  );
}

function Events({ tenant }: { tenant: string }): ReactNode {
  const { data } = useEvents(tenant);
  return <Card>{data === undefined ? <Skeleton label="events" lines={6} /> : <EventList events={data.items} />}</Card>;
}
