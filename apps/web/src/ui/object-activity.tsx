"use client";
import type { ReactNode } from "react";
import { useEvents } from "#client/queries.ts";
import { Card } from "./card.tsx";
import { EventList } from "./event-list.tsx";
import { Skeleton } from "./skeleton.tsx";

const most = 12;

/** What happened to an object lately, by its name and those of its parts. */
export function ObjectActivity({ tenant, names }: { tenant: string; names: readonly string[] }): ReactNode {
  const { data } = useEvents(tenant);
  const events = data?.items.filter(({ object }) => names.includes(object.name)).slice(0, most);
  return (
    <Card title="What happened">
      {events === undefined ? <Skeleton label="events" /> : <EventList events={events} />}
    </Card>
  );
}
