"use client";
import { ProblemError, type WatchedEvent, watchEvents } from "@pilothouse/contract";
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { getClient } from "./api.ts";
import { keys } from "./keys.ts";

/** Whether what is shown follows what happens. `polling`: the stream is lost for now, so everything is read anew every few seconds. */
export type LiveStatus = "connecting" | "live" | "polling" | "signedOut";

const LiveContext = createContext<LiveStatus>("connecting");

export const useLiveStatus = (): LiveStatus => useContext(LiveContext);

/** How often everything that is shown is read anew while the stream is lost, in milliseconds. */
const pollIntervalMs = 5_000;

/** Reads anew what an event is about, where it is shown. */
export function followEvent(queries: QueryClient, tenant: string, { object, type }: WatchedEvent): void {
  const refresh = (queryKey: readonly unknown[], exact = false): void =>
    void queries.invalidateQueries({ queryKey, exact });
  switch (object.kind) {
    case "cluster":
      refresh(keys.clusters(tenant));
      break;
    case "control-plane":
      refresh(keys.controlPlanes(tenant));
      refresh(keys.revisions(tenant, object.name));
      break;
    case "revision":
      refresh(keys.controlPlanes(tenant));
      refresh([...keys.tenant(tenant), "revisions"]);
      break;
    case "operation":
      refresh(keys.operations(tenant));
      break;
    default:
      refresh(keys.tenant(tenant));
  }
  if (type.startsWith("operation.")) refresh(keys.operations(tenant));
  refresh(keys.events(tenant), true);
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
      for await (const event of events) followEvent(queries, tenant, event);
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
  const value = useMemo(() => status, [status]);
  return <LiveContext.Provider value={value}>{children}</LiveContext.Provider>;
}
