"use client";
import type { Operation } from "@pilothouse/contract";
import { Activity } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { useOperationHistory } from "#client/history.ts";
import { isGone, useOperation } from "#client/queries.ts";
import { useAddressParameter } from "#client/use-address.ts";
import { Card } from "../card.tsx";
import { type Column, DataTable } from "../data-table.tsx";
import { Dialog } from "../dialog.tsx";
import { EmptyState } from "../empty-state.tsx";
import { Failure } from "../failure.tsx";
import { Older } from "../older.tsx";
import { OperationProgress, OperationStatus, operationWords } from "../operation-progress.tsx";
import { PageHeader } from "../page-header.tsx";
import { Skeleton } from "../skeleton.tsx";
import { Tabs } from "../tabs.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./activity-page.module.css";
import { AuditList } from "./audit-list.tsx";
import { EventTable } from "./event-table.tsx";

const formatTook = ({ createdAt, finishedAt }: Operation): string => {
  if (finishedAt === null) return "";
  const seconds = (Date.parse(finishedAt) - Date.parse(createdAt)) / 1_000;
  return seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`;
};

const listColumns = (open: (id: string) => void): Column<Operation>[] => [
  {
    id: "object",
    header: "Object",
    cell: ({ id, object }) => (
      <button type="button" className={styles["open"]} onClick={() => open(id)}>
        {object.name}
      </button>
    ),
    text: ({ object }) => object.name,
    sortBy: ({ object }) => object.name,
    note: ({ kind, createdAt }) => (
      <>
        {operationWords[kind]} · <TimeAgo at={createdAt} />
      </>
    ),
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
  const [shown, setShown] = useAddressParameter("operation");
  return (
    <>
      <PageHeader title="Activity">
        What was changed with its steps, what happened in the last 30 days, and who asked for what.
      </PageHeader>
      <Tabs
        label="Kinds of activity"
        tabs={[
          { id: "operations", label: "Operations", content: <Operations tenant={tenant} onOpen={setShown} /> },
          { id: "events", label: "Events", content: <EventTable tenant={tenant} /> },
          { id: "audit", label: "Who did what", content: <AuditList tenant={tenant} /> },
        ]}
      />
      {shown === "" ? null : <ShownOperation tenant={tenant} id={shown} onClose={() => setShown("")} />}
    </>
  );
}

/** One operation with its steps; its address can be handed on. */
function ShownOperation({ tenant, id, onClose }: { tenant: string; id: string; onClose: () => void }): ReactNode {
  const { data, error, refetch } = useOperation(tenant, id);
  return (
    <Dialog
      open
      onOpenChange={(isOpen) => !isOpen && onClose()}
      title="Operation"
      description={data === undefined ? id : `${data.id}, asked for by ${data.requestedBy}`}
    >
      {data === undefined && error === null ? <Skeleton label="the operation" /> : null}
      {error === null ? null : (
        <Failure
          title={isGone(error) ? "There is no such operation" : "The operation could not be read"}
          error={error}
          onRetry={() => void refetch()}
        />
      )}
      {data === undefined ? null : <OperationProgress operation={data} />}
    </Dialog>
  );
}

function Operations({ tenant, onOpen }: { tenant: string; onOpen: (id: string) => void }): ReactNode {
  const history = useOperationHistory(tenant);
  const columns = useMemo(() => listColumns(onOpen), [onOpen]);
  const { items, error, readAgain } = history;
  if (items === undefined) {
    return error === null ? (
      <Card>
        <Skeleton label="operations" lines={6} />
      </Card>
    ) : (
      <Failure title="The operations could not be read" error={error} onRetry={readAgain} />
    );
  }
  return (
    <DataTable
      label="operations"
      rows={items}
      columns={columns}
      rowId={({ id }) => id}
      after={<Older history={history} label="operations" />}
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
