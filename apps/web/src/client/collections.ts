"use client";
import {
  addressOf,
  type Cluster,
  type ControlPlane,
  type FleetControlPlane,
  mostOfPage,
  mostWanted,
  operations,
} from "@pilothouse/contract";
import { call } from "./api.ts";
import type { Collection } from "./collection.ts";
import { keys } from "./keys.ts";

const pageQuery = (cursor: string | undefined) =>
  cursor === undefined ? { limit: mostOfPage } : { limit: mostOfPage, cursor };

/** All control planes of a tenant. */
export const controlPlanesOf = (tenant: string): Collection<ControlPlane> => ({
  key: keys.controlPlanes(tenant),
  firstPage: addressOf(operations.listControlPlanes, { params: { tenant }, query: pageQuery(undefined) }),
  readPage: (cursor, signal) =>
    call(operations.listControlPlanes, { params: { tenant }, query: pageQuery(cursor), signal }),
  readNamed: (names) =>
    call(operations.listControlPlanes, { params: { tenant }, query: { limit: mostWanted, names: [...names] } }),
  nameOf: ({ name }) => name,
});

/** All mesh clusters of a tenant. */
export const clustersOf = (tenant: string): Collection<Cluster> => ({
  key: keys.clusters(tenant),
  firstPage: addressOf(operations.listClusters, { params: { tenant }, query: pageQuery(undefined) }),
  readPage: (cursor, signal) => call(operations.listClusters, { params: { tenant }, query: pageQuery(cursor), signal }),
  readNamed: (names) =>
    call(operations.listClusters, { params: { tenant }, query: { limit: mostWanted, names: [...names] } }),
  nameOf: ({ name }) => name,
});

/** All tenants' control planes, by their ids. */
export const fleetControlPlanes: Collection<FleetControlPlane> = {
  key: keys.fleetControlPlanes,
  firstPage: addressOf(operations.listFleetControlPlanes, { query: pageQuery(undefined) }),
  readPage: (cursor, signal) => call(operations.listFleetControlPlanes, { query: pageQuery(cursor), signal }),
  readNamed: (ids) => call(operations.listFleetControlPlanes, { query: { limit: mostWanted, ids: [...ids] } }),
  nameOf: ({ id }) => id,
  // A blank comes before all that a name can have.
  orderOf: ({ tenant, name }) => `${tenant} ${name}`,
};
