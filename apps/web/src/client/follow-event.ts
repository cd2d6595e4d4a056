"use client";
import type { ControlPlane, WatchedEvent } from "@pilothouse/contract";
import type { QueryClient } from "@tanstack/react-query";
import { findHeld, refreshItem, removeItem } from "./collection.ts";
import { clustersOf, controlPlanesOf, fleetControlPlanes } from "./collections.ts";
import { keys } from "./keys.ts";
import { markGone } from "./mark-gone.ts";
import { readAnew } from "./read-anew.ts";

/** Reads anew what an event is about, and nothing else, where it is shown. What an event says is gone is not asked for. */
export async function followEvent(queries: QueryClient, tenant: string, { type, object }: WatchedEvent): Promise<void> {
  const refresh = (queryKey: readonly unknown[]): Promise<void> => readAnew(queries, { queryKey });
  const controlPlanes = controlPlanesOf(tenant);
  const refreshControlPlane = (name: string): Promise<unknown> =>
    Promise.all([
      refreshItem(queries, controlPlanes, name),
      refresh(keys.controlPlane(tenant, name)),
      refresh(keys.revisions(tenant, name)),
    ]);
  const reads: Promise<unknown>[] = [refresh(keys.events(tenant))];
  switch (object.kind) {
    case "cluster":
      if (type === "cluster.deleted") {
        removeItem(queries, clustersOf(tenant), object.name);
        reads.push(markGone(queries, keys.cluster(tenant, object.name)));
        break;
      }
      reads.push(refreshItem(queries, clustersOf(tenant), object.name), refresh(keys.cluster(tenant, object.name)));
      break;
    case "control-plane":
      if (type === "control-plane.deleted") {
        removeItem(queries, controlPlanes, object.name);
        reads.push(markGone(queries, keys.controlPlane(tenant, object.name)));
        break;
      }
      reads.push(refreshControlPlane(object.name));
      break;
    case "revision": {
      const owner = findHeld(queries, controlPlanes, ({ revisions }) => revisions.includes(object.id));
      // A revision's id begins with its control plane's name.
      const name = owner?.name ?? object.id.replace(/-\d+-\d+-[a-z0-9]+$/, "");
      const held = owner ?? queries.getQueryData<ControlPlane>(keys.controlPlane(tenant, name));
      // The control plane goes with its last revision, and has an event of its own for that.
      if (type === "revision.deleted" && isEnding(held)) break;
      reads.push(refreshControlPlane(name));
      break;
    }
    case "operation":
      // An operation begins with what somebody asked for.
      reads.push(refresh(keys.operations(tenant)), refresh(keys.audit(tenant)));
      break;
    case "member":
      reads.push(refresh(keys.members(tenant)), refresh(keys.audit(tenant)));
      break;
    case "api-key":
      reads.push(refresh(keys.apiKeys(tenant)), refresh(keys.audit(tenant)));
      break;
    default:
      reads.push(refresh(keys.tenant(tenant)));
  }
  await Promise.all(reads);
}

const isEnding = (controlPlane: Pick<ControlPlane, "phase"> | undefined): boolean => controlPlane?.phase === "Deleting";

/** The same for all tenants' events, as the platform sees them. */
export async function followFleetEvent(queries: QueryClient, { type, object }: WatchedEvent): Promise<void> {
  const refresh = (queryKey: readonly unknown[]): Promise<void> => readAnew(queries, { queryKey });
  const refreshControlPlane = (id: string): Promise<unknown> =>
    Promise.all([refreshItem(queries, fleetControlPlanes, id), refresh(keys.placedControlPlane(id))]);
  if (type === "control-plane.deleted") {
    removeItem(queries, fleetControlPlanes, object.id);
    await markGone(queries, keys.placedControlPlane(object.id));
  } else if (object.kind === "control-plane") await refreshControlPlane(object.id);
  if (object.kind === "operation") await refresh(keys.admin("work"));
  if (object.kind === "revision") {
    const owner = findHeld(queries, fleetControlPlanes, ({ revisions }) =>
      revisions.some(({ id }) => id === object.id),
    );
    if (owner !== undefined && !(type === "revision.deleted" && isEnding(owner))) await refreshControlPlane(owner.id);
  }
}
