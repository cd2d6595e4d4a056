"use client";
import type { TenantEvent } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { useEvents } from "#client/queries.ts";
import { Card } from "./card.tsx";
import { EventList } from "./event-list.tsx";
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
  const { data } = useEvents(tenant);
  const isMeant = ({ object }: TenantEvent): boolean =>
    objects.some(({ kind, names }) => kind === object.kind && names.includes(object.name));
  const events = data?.items.filter(isMeant).slice(0, most);
  return (
    <Card title="What happened">
      {events === undefined ? (
        <Skeleton label="events" />
      ) : (
        <EventList events={events} none="Nothing of it is among the tenant’s latest events." />
      )}
    </Card>
  );
}
