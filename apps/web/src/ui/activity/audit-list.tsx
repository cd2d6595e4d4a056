"use client";
import type { AuditEntry } from "@pilothouse/contract";
import { ScrollText } from "lucide-react";
import type { ReactNode } from "react";
import { useAuditHistory } from "#client/history.ts";
import { Card } from "../card.tsx";
import { type Column, DataTable } from "../data-table.tsx";
import { EmptyState } from "../empty-state.tsx";
import { Failure } from "../failure.tsx";
import { Older } from "../older.tsx";
import { Skeleton } from "../skeleton.tsx";
import { TimeAgo } from "../time-ago.tsx";

/** What kind of somebody it was, where the name is not for these eyes. */
const actorWords: Record<AuditEntry["actor"]["kind"], string> = {
  key: "a key of the provider",
  user: "somebody of the provider",
  visitor: "somebody who was not signed in",
  worker: "Pilothouse itself",
};

const describeActor = ({ kind, name }: AuditEntry["actor"]): string =>
  name === null ? actorWords[kind] : kind === "key" ? `key ${name}` : name;

/** `createControlPlane` as people say it. */
const describeVerb = (verb: string): string => {
  const words = verb
    .replaceAll(/([A-Z]+)/g, " $1")
    .toLowerCase()
    .replace(/\bapi\b/, "API");
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const columns: readonly Column<AuditEntry>[] = [
  {
    id: "verb",
    header: "What",
    cell: ({ verb }) => describeVerb(verb),
    text: ({ verb }) => `${verb} ${describeVerb(verb)}`,
    sortBy: ({ verb }) => verb,
    note: ({ actor }) => `by ${describeActor(actor)}`,
  },
  {
    id: "object",
    header: "Object",
    cell: ({ object }) => object.name,
    text: ({ object }) => object.name,
    sortBy: ({ object }) => object.name,
  },
  {
    id: "actor",
    header: "Who",
    cell: ({ actor }) => describeActor(actor),
    text: ({ actor }) => describeActor(actor),
    sortBy: ({ actor }) => describeActor(actor),
    room: "wide",
  },
  {
    id: "request",
    header: "Request",
    cell: ({ requestId }) => <code>{requestId}</code>,
    text: ({ requestId }) => requestId,
    room: "widest",
  },
  { id: "at", header: "When", cell: ({ at }) => <TimeAgo at={at} />, sortBy: ({ at }) => at },
];

/** Who asked for which change, the newest first. */
export function AuditList({ tenant }: { tenant: string }): ReactNode {
  const history = useAuditHistory(tenant);
  const { items, error, readAgain } = history;
  if (items === undefined) {
    return error === null ? (
      <Card>
        <Skeleton label="who did what" lines={6} />
      </Card>
    ) : (
      <Failure title="Who did what could not be read" error={error} onRetry={readAgain} />
    );
  }
  return (
    <DataTable
      label="entries"
      name="audit"
      rows={items}
      columns={columns}
      rowId={({ id }) => id}
      after={<Older history={history} label="entries" />}
      empty={
        <Card>
          <EmptyState picture={<ScrollText />} title="Nobody has changed anything yet">
            Each request that changes something is kept here, with who made it.
          </EmptyState>
        </Card>
      }
    />
  );
}
