import type { Quota, TenantAmounts } from "@pilothouse/contract";
import type { Tenant } from "../generated/client.ts";

/** How many of each a tenant may have unless the platform says otherwise. */
const defaultLimits: TenantAmounts = { clusters: 100, controlPlanes: 200, revisions: 400, apiKeys: 100 };

/** The columns that hold a tenant's own limits. */
export type LimitColumns = Pick<Tenant, "clustersLimit" | "controlPlanesLimit" | "revisionsLimit" | "apiKeysLimit">;

/** A tenant's limits: its own, and the default where it has none. */
export function readLimits(row: LimitColumns): TenantAmounts {
  return {
    clusters: row.clustersLimit ?? defaultLimits.clusters,
    controlPlanes: row.controlPlanesLimit ?? defaultLimits.controlPlanes,
    revisions: row.revisionsLimit ?? defaultLimits.revisions,
    apiKeys: row.apiKeysLimit ?? defaultLimits.apiKeys,
  };
}

/** The columns for limits that are given; null is the default. */
export function toLimitColumns(limits: { [Name in Quota]?: number | null | undefined }): {
  [Name in keyof LimitColumns]?: number | null | undefined;
} {
  return {
    clustersLimit: limits.clusters,
    controlPlanesLimit: limits.controlPlanes,
    revisionsLimit: limits.revisions,
    apiKeysLimit: limits.apiKeys,
  };
}
