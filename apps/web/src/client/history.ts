"use client";
import { type AuditEntry, type Operation, operations, type Page, type TenantEvent } from "@pilothouse/contract";
import { type InfiniteData, useInfiniteQuery } from "@tanstack/react-query";
import { call } from "./api.ts";
import { keys } from "./keys.ts";

/** A list that begins with the newest, and goes back as far as somebody wants to see. */
export interface History<Item> {
  /** Undefined before the first have come. */
  items: readonly Item[] | undefined;
  error: Error | null;
  hasOlder: boolean;
  isReadingOlder: boolean;
  readOlder: () => void;
  readAgain: () => void;
}

const limit = 100;

function useHistory<Item>(
  key: readonly unknown[],
  readPage: (query: { limit: number; cursor?: string }, signal: AbortSignal) => Promise<Page<Item>>,
): History<Item> {
  const found = useInfiniteQuery<Page<Item>, Error, InfiniteData<Page<Item>>, readonly unknown[], string | null>({
    queryKey: [...key, "history"],
    queryFn: ({ pageParam, signal }) => readPage(pageParam === null ? { limit } : { limit, cursor: pageParam }, signal),
    initialPageParam: null,
    getNextPageParam: ({ nextCursor }) => nextCursor,
  });
  return {
    items: found.data?.pages.flatMap(({ items }) => items),
    error: found.error,
    hasOlder: found.hasNextPage,
    isReadingOlder: found.isFetchingNextPage,
    readOlder: () => void found.fetchNextPage(),
    readAgain: () => void found.refetch(),
  };
}

export const useOperationHistory = (tenant: string): History<Operation> =>
  useHistory(keys.operations(tenant), (query, signal) =>
    call(operations.listOperations, { params: { tenant }, query, signal }),
  );

export const useEventHistory = (tenant: string): History<TenantEvent> =>
  useHistory(keys.events(tenant), (query, signal) =>
    call(operations.listEvents, { params: { tenant }, query, signal }),
  );

export const useAuditHistory = (tenant: string): History<AuditEntry> =>
  useHistory(keys.audit(tenant), (query, signal) =>
    call(operations.listAuditEntries, { params: { tenant }, query, signal }),
  );
