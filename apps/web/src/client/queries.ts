"use client";
import {
  type ApiKey,
  type Catalogue,
  type Cluster,
  type ControlPlane,
  type Member,
  type Operation,
  operations,
  type Page,
  ProblemError,
  type Revision,
} from "@pilothouse/contract";
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { call } from "./api.ts";
import { readPages } from "./read-pages.ts";
import { GoneError } from "./mark-gone.ts";
import { keys } from "./keys.ts";

/** A running operation is read again at least so often, in milliseconds, should an event be late. */
const runningIntervalMs = 2_000;
const proxiesIntervalMs = 60_000;

export const useCluster = (tenant: string, cluster: string): UseQueryResult<Cluster> =>
  useQuery({
    queryKey: keys.cluster(tenant, cluster),
    queryFn: ({ signal }) => call(operations.getCluster, { params: { tenant, cluster }, signal }),
  });

export const useControlPlane = (tenant: string, controlPlane: string): UseQueryResult<ControlPlane> =>
  useQuery({
    queryKey: keys.controlPlane(tenant, controlPlane),
    queryFn: ({ signal }) => call(operations.getControlPlane, { params: { tenant, controlPlane }, signal }),
  });

/** @param isThere whether there is such a control plane, as far as is known */
export const useRevisions = (tenant: string, controlPlane: string, isThere: boolean): UseQueryResult<Page<Revision>> =>
  useQuery({
    queryKey: keys.revisions(tenant, controlPlane),
    queryFn: ({ signal }) => call(operations.listRevisions, { params: { tenant, controlPlane }, signal }),
    enabled: isThere,
    // No event tells of how many proxies are connected.
    refetchInterval: proxiesIntervalMs,
  });

/** @param id of an operation; nothing is read without one */
export const useOperation = (tenant: string, id: string | null): UseQueryResult<Operation> =>
  useQuery({
    queryKey: keys.operation(tenant, id ?? ""),
    queryFn: ({ signal }) => call(operations.getOperation, { params: { tenant, operation: id ?? "" }, signal }),
    enabled: id !== null,
    refetchInterval: ({ state }) => (state.data?.state === "running" ? runningIntervalMs : false),
  });

/** The newest operations, as many as an overview shows. */
export const useLatestOperations = (tenant: string, limit: number): UseQueryResult<Page<Operation>> =>
  useQuery({
    queryKey: keys.latestOperations(tenant),
    queryFn: ({ signal }) => call(operations.listOperations, { params: { tenant }, query: { limit }, signal }),
  });

export const useMembers = (tenant: string): UseQueryResult<Member[]> =>
  useQuery({
    queryKey: keys.members(tenant),
    queryFn: ({ signal }) => readPages((query) => call(operations.listMembers, { params: { tenant }, query, signal })),
  });

/** @param isOpen whether somebody may see them */
export const useApiKeys = (tenant: string, isOpen: boolean): UseQueryResult<ApiKey[]> =>
  useQuery({
    queryKey: keys.apiKeys(tenant),
    queryFn: ({ signal }) => readPages((query) => call(operations.listApiKeys, { params: { tenant }, query, signal })),
    enabled: isOpen,
  });

export const useCatalogue = (): UseQueryResult<Catalogue> =>
  useQuery({ queryKey: keys.catalogue, queryFn: ({ signal }) => call(operations.getCatalogue, { signal }) });

/** Whether something was not found: it never was, or it is gone. */
export const isGone = (error: Error | null): boolean =>
  error instanceof GoneError || (error instanceof ProblemError && error.status === 404);

/** What is wrong with a field of a form, by the name that the API gives it. */
export function findFieldError(error: Error | null, parameter: string): string | undefined {
  if (!(error instanceof ProblemError)) return undefined;
  const { problem } = error;
  const named = problem.errors?.find((fault) => fault.parameter === parameter);
  return named?.detail ?? (problem.parameter === parameter ? problem.detail : undefined);
}
