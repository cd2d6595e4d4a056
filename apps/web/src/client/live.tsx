"use client";
import type { WatchedEvent } from "@pilothouse/contract";
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { getClient } from "./api.ts";
import { followEvent, followFleetEvent } from "./follow-event.ts";
import { followStream, type LiveStatus, usualLiveTiming } from "./follow-stream.ts";
import { keys } from "./keys.ts";
import { browserSigns } from "./page-signs.ts";
import { readAnew } from "./read-anew.ts";

/** How live a page is, and since when; the time is not known before the browser has taken over. */
export interface Live {
  status: LiveStatus;
  since: string | undefined;
}

const LiveContext = createContext<Live>({ status: "connecting", since: undefined });

export const useLive = (): Live => useContext(LiveContext);

interface Source {
  /** Null for events of all tenants. */
  tenant: string | null;
  /** Id of the event behind which the stream begins. */
  after: string;
  /** Both have to be the same functions at each call. */
  follow: (queries: QueryClient, event: WatchedEvent, tenant: string | null) => Promise<void>;
  readAll: (queries: QueryClient, tenant: string | null) => Promise<void>;
}

function useStream({ tenant, after, follow, readAll }: Source): Live {
  const queries = useQueryClient();
  const [live, setLive] = useState<Live>({ status: "connecting", since: undefined });
  // A page that the server makes anew has a newer position, and needs no other stream.
  const [first] = useState(after);
  useEffect(
    () =>
      followStream({
        client: getClient(),
        tenant,
        after: first,
        signs: browserSigns,
        timing: usualLiveTiming,
        follow: (event) => follow(queries, event, tenant),
        readAll: () => readAll(queries, tenant),
        onStatus: (status) => setLive({ status, since: new Date().toISOString() }),
      }),
    [queries, tenant, first, follow, readAll],
  );
  return live;
}

const followTenant: Source["follow"] = (queries, event, tenant) => followEvent(queries, tenant ?? "", event);

const readTenant: Source["readAll"] = (queries, tenant) => readAnew(queries, { queryKey: keys.tenant(tenant ?? "") });

const readFleet: Source["readAll"] = (queries) => readAnew(queries, { queryKey: keys.fleet });

interface LiveProps {
  /** Position of the newest event when the page was made: what it shows is read after that. */
  after: string;
  children: ReactNode;
}

/** Keeps what is shown of a tenant up to date. */
export function TenantLive({ tenant, after, children }: LiveProps & { tenant: string }): ReactNode {
  const live = useStream({ tenant, after, follow: followTenant, readAll: readTenant });
  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>;
}

/** Keeps what is shown of all tenants up to date. */
export function FleetLive({ after, children }: LiveProps): ReactNode {
  const live = useStream({ tenant: null, after, follow: followFleetEvent, readAll: readFleet });
  return <LiveContext.Provider value={live}>{children}</LiveContext.Provider>;
}
