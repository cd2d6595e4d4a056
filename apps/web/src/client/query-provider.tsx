"use client";
import { ConnectionError, ProblemError } from "@pilothouse/contract";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

/** What was read is taken to hold until an event says otherwise; a page that comes back after this long reads anew. */
const staleMs = 30_000;
const mostRetries = 3;
const longestPauseMs = 10_000;

/** What was refused is refused again; what did not answer, or had too much to do, may answer yet. */
const mayPass = (error: Error): boolean =>
  error instanceof ConnectionError || (error instanceof ProblemError && (error.status >= 500 || error.status === 429));

const findPause = (failures: number, error: Error): number => {
  const asked = error instanceof ProblemError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0;
  return Math.min(longestPauseMs, Math.max(asked, 1_000 * 2 ** failures));
};

function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: staleMs,
        retry: (failures, error) => failures < mostRetries && mayPass(error),
        retryDelay: findPause,
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
