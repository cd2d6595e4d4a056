"use client";
import type { Query, QueryClient, QueryFilters } from "@tanstack/react-query";

/** Queries that are being read, and are to be read once more after it. */
const wantedAgain = new WeakSet<Query>();

/**
 * Reads what fits anew where it is shown, and marks it as out of date where it is not. What is being read at this moment may have been read on the server
 * before what this call was made for: it is not broken off, since it might never come to its end then, but read once more after it.
 */
export async function readAnew(queries: QueryClient, filters: QueryFilters): Promise<void> {
  await Promise.all(
    queries
      .getQueryCache()
      .findAll(filters)
      .map((query) => readOnceMore(queries, query)),
  );
}

async function readOnceMore(queries: QueryClient, query: Query): Promise<void> {
  const exactly = { queryKey: query.queryKey, exact: true };
  if (query.state.fetchStatus === "fetching") {
    if (wantedAgain.has(query)) return;
    wantedAgain.add(query);
    // Joins what is under way.
    await queries.refetchQueries(exactly, { cancelRefetch: false });
    wantedAgain.delete(query);
  }
  await queries.invalidateQueries(exactly, { cancelRefetch: false });
}
