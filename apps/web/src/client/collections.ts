"use client";
import { type Cluster, type ControlPlane, type FleetControlPlane, operations } from "@pilothouse/contract";
import { call } from "./api.ts";
import type { Collection } from "./collection.ts";
import { keys } from "./keys.ts";

/** Most that a page may have. */
const limit = 100;

const pageQuery = (cursor: string | undefined) => (cursor === undefined ? { limit } : { limit, cursor });

/** All control planes of a tenant. */
export const controlPlanesOf = (tenant: string): Collection<ControlPlane> => ({
  key: keys.controlPlanes(tenant),
  readPage: (cursor, signal) =>
    call(operations.listControlPlanes, { params: { tenant }, query: pageQuery(cursor), signal }),
  readOne: (controlPlane) => call(operations.getControlPlane, { params: { tenant, controlPlane } }),
  nameOf: ({ name }) => name,
});

/** All mesh clusters of a tenant. */
export const clustersOf = (tenant: string): Collection<Cluster> => ({
  key: keys.clusters(tenant),
  readPage: (cursor, signal) => call(operations.listClusters, { params: { tenant }, query: pageQuery(cursor), signal }),
  readOne: (cluster) => call(operations.getCluster, { params: { tenant, cluster } }),
  nameOf: ({ name }) => name,
});

/** All tenants' control planes, by their ids. */
export const fleetControlPlanes: Collection<FleetControlPlane> = {
  key: keys.fleetControlPlanes,
  readPage: (cursor, signal) => call(operations.listFleetControlPlanes, { query: pageQuery(cursor), signal }),
  readOne: (controlPlaneId) => call(operations.getFleetControlPlane, { params: { controlPlaneId } }),
  nameOf: ({ id }) => id,
};
