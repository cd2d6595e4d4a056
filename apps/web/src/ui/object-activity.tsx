"use client";
import type { TenantEvent } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { useEventHistory } from "#client/history.ts";
import { Button } from "./button.tsx";
import { Card } from "./card.tsx";
import { EventList } from "./event-list.tsx";
import { Failure } from "./failure.tsx";
import { Skeleton } from "./skeleton.tsx";

const most = 12;

/** What happened to an object and its parts lately. */
export function ObjectActivity({
  tenant,
  objects,
}: {
  tenant: string;
  objects: readonly { kind: string; names: readonly string[] }[];
}): ReactNode {
  const { items, error, hasOlder, isReadingOlder, readOlder, readAgain } = useEventHistory(tenant);
  const isMeant = ({ object }: TenantEvent): boolean =>
    objects.some(({ kind, names }) => kind === object.kind && names.includes(object.name));
  const events = items?.filter(isMeant) ?? [];
  const isShort = hasOlder && events.length < most;
  return (
    <Card
      title="What happened"
      aside={
        isShort ? (
          <Button size="small" busy={isReadingOlder} onClick={readOlder}>
            Look further back
          </Button>
        ) : undefined
      }
    >
      {items === undefined && error === null ? <Skeleton label="events" /> : null}
      {items === undefined && error !== null ? (
        <Failure title="What happened could not be read" error={error} onRetry={readAgain} />
      ) : null}
      {items === undefined ? null : (
        <EventList
          events={events.slice(0, most)}
          none={
            isShort
              ? `Nothing of it is among the tenant’s newest ${items.length} events.`
              : "Nothing in the last 30 days."
          }
        />
      )}
    </Card>
  );
}
