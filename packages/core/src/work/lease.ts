import type { WorkKind } from "@pilothouse/contract";

/** How long a lease lasts unless it is renewed, in milliseconds: a killed worker delays its objects by so much. */
export const leaseMs = 7_000;

/** One object that is looked at, or to be looked at. */
export interface WorkKey {
  kind: WorkKind;
  objectId: string;
}

/** The right to look at an object and to write back what was seen, until the database's clock says that it is over. */
export interface Lease extends WorkKey {
  tenantId: string;
  /** What its calls go to: an istiod cluster's name, or a tenant's id for its mesh clusters. */
  shard: string;
  /** Grows with each lease of the object; nothing is written back with an older one. */
  fence: bigint;
  /** Wishes to look at once, as counted when it was taken or last renewed. */
  wakes: bigint;
  /** Failures in a row before this look. */
  failures: number;
}

/** One text per object, for maps. */
export function nameWork({ kind, objectId }: WorkKey): string {
  return `${kind}/${objectId}`;
}
