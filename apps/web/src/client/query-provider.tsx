"use client";
import { ConnectionError, ProblemError } from "@pilothouse/contract";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

/** What was read is taken to hold until an event says otherwise; a page that comes back after this long reads anew. */
const staleMs = 30_000;
const mostRetries = 3;

function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: staleMs,
        // What was refused is refused again; what did not answer may.
        retry: (failures, error) =>
          failures < mostRetries &&
          (error instanceof ConnectionError || (error instanceof ProblemError && error.status >= 500)),
        refetchOnWindowFocus: true,
      },
      mutations: { retry: false },
    },
  });
}

/** Keeps what was read through REST for all parts of a page. */
export function QueryProvider({ children }: { children: ReactNode }): ReactNode {
  const [client] = useState(createQueryClient);
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}
