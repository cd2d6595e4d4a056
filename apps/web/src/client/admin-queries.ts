"use client";
import {
  type IstiodCluster,
  operations,
  type Page,
  type PlacedControlPlane,
  type Region,
  type Seed,
  type Tenant,
  type Usage,
  type Version,
  type VersionLine,
  type Work,
} from "@pilothouse/contract";
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { call } from "./api.ts";
import { keys } from "./keys.ts";
import { readPages } from "./read-pages.ts";

/** How often operators' pages are read anew, in milliseconds: no event tells of what belongs to the provider. */
const intervalMs = 5_000;
/** Samples come once a minute. */
const usageIntervalMs = 30_000;
const mostPoints = 200;

function useList<Item>(
  what: string,
  readPage: (query: { limit: number; cursor?: string }, signal: AbortSignal) => Promise<Page<Item>>,
): UseQueryResult<Item[]> {
  return useQuery({
    queryKey: keys.admin(what),
    queryFn: ({ signal }) => readPages((query) => readPage(query, signal)),
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

/** @param istiodCluster this one alone; all when undefined. @param hours how far back */
export const useUsage = (istiodCluster: string | undefined, hours: number): UseQueryResult<Usage> =>
  useQuery({
    queryKey: keys.admin(`usage-${istiodCluster ?? "all"}-${hours}`),
    queryFn: ({ signal }) =>
      call(operations.getUsage, {
        query: { hours, points: mostPoints, ...(istiodCluster === undefined ? {} : { istiodCluster }) },
        signal,
      }),
    refetchInterval: usageIntervalMs,
  });

export const useWork = (): UseQueryResult<Work> =>
  useQuery({
    queryKey: keys.admin("work"),
    queryFn: ({ signal }) => call(operations.getWork, { signal }),
    refetchInterval: intervalMs,
  });

export const usePlacedControlPlane = (id: string): UseQueryResult<PlacedControlPlane> =>
  useQuery({
    queryKey: keys.placedControlPlane(id),
    queryFn: ({ signal }) => call(operations.getFleetControlPlane, { params: { controlPlaneId: id }, signal }),
    enabled: id !== "",
  });

export const useTenants = (): UseQueryResult<Tenant[]> =>
  useList("tenants", (query, signal) => call(operations.listTenants, { query, signal }));
