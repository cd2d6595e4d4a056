"use client";
import { ProblemError, type WatchedEvent, watchEvents } from "@pilothouse/contract";
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { getClient } from "./api.ts";
import { followEvent, followFleetEvent } from "./follow-event.ts";
import { keys } from "./keys.ts";

/** Whether what is shown follows what happens. `polling`: the stream is lost for now, so everything is read anew every few seconds. */
export type LiveStatus = "connecting" | "live" | "polling" | "signedOut";

const LiveContext = createContext<LiveStatus>("connecting");

export const useLiveStatus = (): LiveStatus => useContext(LiveContext);

/** How often everything that is shown is read anew while the stream is lost, in milliseconds. */
const pollIntervalMs = 5_000;

type Follow = (queries: QueryClient, event: WatchedEvent, tenant: string | null) => Promise<void>;

/**
 * Follows the events of a tenant, or with null those of all, over one stream for the whole page.
 * @param follow reads anew what an event is about, and nothing else; it has to be the same function at each call
 * @param readAll the same for all that may have changed unseen
 */
function useStream(
  tenant: string | null,
  follow: Follow,
  readAll: (queries: QueryClient, tenant: string | null) => Promise<void>,
): LiveStatus {
  const queries = useQueryClient();
  const [status, setStatus] = useState<LiveStatus>("connecting");
  useEffect(() => {
    const ending = new AbortController();
    let polling: ReturnType<typeof setInterval> | undefined;
    const read = (): void => void readAll(queries, tenant);
    const poll = (): void => {
      setStatus("polling");
      polling ??= setInterval(read, pollIntervalMs);
    };
    const stopPolling = (): void => {
      clearInterval(polling);
      polling = undefined;
    };
    const watch = async (): Promise<void> => {
      const events = watchEvents(getClient(), {
        tenant,
        signal: ending.signal,
        onOpen: () => {
          stopPolling();
          setStatus("live");
          // What happened in between, and before the first one stood.
          read();
        },
        onLost: poll,
        onReset: read,
      });
      for await (const event of events) follow(queries, event, tenant).catch(() => undefined);
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
  }, [queries, tenant, follow, readAll]);
  return status;
}

const followTenant: Follow = (queries, event, tenant) => followEvent(queries, tenant ?? "", event);

const readTenant = (queries: QueryClient, tenant: string | null): Promise<void> =>
  queries.invalidateQueries({ queryKey: keys.tenant(tenant ?? "") });

const readFleet = (queries: QueryClient): Promise<void> => queries.invalidateQueries({ queryKey: keys.fleet });

/** Keeps what is shown of a tenant up to date. */
export function TenantLive({ tenant, children }: { tenant: string; children: ReactNode }): ReactNode {
  const status = useStream(tenant, followTenant, readTenant);
  return <LiveContext.Provider value={status}>{children}</LiveContext.Provider>;
}

/** Keeps what is shown of all tenants up to date. */
export function FleetLive({ children }: { children: ReactNode }): ReactNode {
  const status = useStream(null, followFleetEvent, readFleet);
  return <LiveContext.Provider value={status}>{children}</LiveContext.Provider>;
}
