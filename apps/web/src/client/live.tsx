"use client";
import { ProblemError, type WatchedEvent, watchEvents } from "@pilothouse/contract";
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { getClient } from "./api.ts";
import { findHeld, refreshItem } from "./collection.ts";
import { clustersOf, controlPlanesOf } from "./collections.ts";
import { keys } from "./keys.ts";

/** Whether what is shown follows what happens. `polling`: the stream is lost for now, so everything is read anew every few seconds. */
export type LiveStatus = "connecting" | "live" | "polling" | "signedOut";

const LiveContext = createContext<LiveStatus>("connecting");

export const useLiveStatus = (): LiveStatus => useContext(LiveContext);

/** How often everything that is shown is read anew while the stream is lost, in milliseconds. */
const pollIntervalMs = 5_000;

/** Reads anew what an event is about, and nothing else, where it is shown. */
export async function followEvent(queries: QueryClient, tenant: string, { object }: WatchedEvent): Promise<void> {
  const refresh = (queryKey: readonly unknown[]): Promise<void> => queries.invalidateQueries({ queryKey });
  const controlPlanes = controlPlanesOf(tenant);
  const refreshControlPlane = (name: string): Promise<unknown> =>
    Promise.all([
      refreshItem(queries, controlPlanes, name),
      refresh(keys.controlPlane(tenant, name)),
      refresh(keys.revisions(tenant, name)),
    ]);
  const reads: Promise<unknown>[] = [refresh(keys.events(tenant))];
  switch (object.kind) {
    case "cluster":
      reads.push(refreshItem(queries, clustersOf(tenant), object.name), refresh(keys.cluster(tenant, object.name)));
      break;
    case "control-plane":
      reads.push(refreshControlPlane(object.name));
      break;
    case "revision": {
      const owner = findHeld(queries, controlPlanes, ({ revisions }) => revisions.includes(object.id));
      // A revision's id begins with its control plane's name.
      const name = owner?.name ?? object.id.replace(/-\d+-\d+-[a-z0-9]+$/, "");
      reads.push(refreshControlPlane(name));
      break;
    }
    case "operation":
      reads.push(refresh(keys.operations(tenant)), refresh(keys.operation(tenant, object.id)));
      break;
    default:
      reads.push(refresh(keys.tenant(tenant)));
  }
  await Promise.all(reads);
}

/** Keeps what is shown of a tenant up to date, over one stream for the whole page. */
export function TenantLive({ tenant, children }: { tenant: string; children: ReactNode }): ReactNode {
  const queries = useQueryClient();
  const [status, setStatus] = useState<LiveStatus>("connecting");
  useEffect(() => {
    const ending = new AbortController();
    let polling: ReturnType<typeof setInterval> | undefined;
    const readAll = (): void => void queries.invalidateQueries({ queryKey: keys.tenant(tenant) });
    const poll = (): void => {
      setStatus("polling");
      polling ??= setInterval(readAll, pollIntervalMs);
    };
    const stopPolling = (): void => {
      clearInterval(polling);
      polling = undefined;
    };
    const watch = async (): Promise<void> => {
      const events = watchEvents(getClient(), {
        tenant,
        signal: ending.signal,
        onOpen: (again) => {
          stopPolling();
          setStatus("live");
          // What happened in between, and before the first one stood.
          readAll();
          void again;
        },
        onLost: poll,
        onReset: readAll,
      });
      for await (const event of events) followEvent(queries, tenant, event).catch(() => undefined);
    };
    watch().catch((error: unknown) => {
      if (error instanceof ProblemError && error.status === 401) {
        stopPolling();
        setStatus("signedOut");
      } else poll();
    });
    return () => {
      ending.abort();
      stopPolling();
    };
  }, [queries, tenant]);
  return <LiveContext.Provider value={status}>{children}</LiveContext.Provider>;
}
