"use client";
import {
  type IstiodCluster,
  operations,
  type Page,
  type Region,
  type Seed,
  type Tenant,
  type Version,
  type VersionLine,
} from "@pilothouse/contract";
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { call } from "./api.ts";
import { keys } from "./keys.ts";

/** How often operators' pages are read anew, in milliseconds: the fleet has no stream of events of its own. */
const intervalMs = 5_000;

async function readAll<Item>(
  readPage: (query: { limit: number; cursor?: string }) => Promise<Page<Item>>,
): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await readPage({ limit: 100, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    if (page.nextCursor === null) return items;
    cursor = page.nextCursor;
  }
}

function useList<Item>(
  what: string,
  readPage: (query: { limit: number; cursor?: string }, signal: AbortSignal) => Promise<Page<Item>>,
): UseQueryResult<Item[]> {
  return useQuery({
    queryKey: keys.admin(what),
    queryFn: ({ signal }) => readAll((query) => readPage(query, signal)),
    refetchInterval: intervalMs,
  });
}

export const useIstiodClusters = (): UseQueryResult<IstiodCluster[]> =>
  useList("istiod-clusters", (query, signal) => call(operations.listIstiodClusters, { query, signal }));

export const useRegions = (): UseQueryResult<Region[]> =>
  useList("regions", (query, signal) => call(operations.listRegions, { query, signal }));

export const useSeeds = (): UseQueryResult<Seed[]> =>
  useList("seeds", (query, signal) => call(operations.listSeeds, { query, signal }));

export const useVersionLines = (): UseQueryResult<VersionLine[]> =>
  useList("version-lines", (query, signal) => call(operations.listVersionLines, { query, signal }));

export const useVersions = (): UseQueryResult<Version[]> =>
  useList("versions", (query, signal) => call(operations.listVersions, { query, signal }));

export const useTenants = (): UseQueryResult<Tenant[]> =>
  useList("tenants", (query, signal) => call(operations.listTenants, { query, signal }));
