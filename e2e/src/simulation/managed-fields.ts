import type { KubeObject } from "@pilothouse/provisioner";
import { collectFields, type FieldSet, mergeFields, removeOrphans, withoutConflicts } from "./field-sets.ts";
import { isRecord, listAt, textAt } from "./values.ts";

/** Who wrote what, as the API shows it. */
interface ManagedFields {
  manager: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  time: string;
  fieldsType: "FieldsV1";
  fieldsV1: FieldSet;
}

/** They were all written by this module. */
function readManagedFields(object: KubeObject): ManagedFields[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above; what a client sends there is dropped
  return listAt(object, "metadata", "managedFields") as ManagedFields[];
}

const createEntry = (
  object: KubeObject,
  manager: string,
  operation: ManagedFields["operation"],
  fieldsV1: FieldSet,
): ManagedFields => ({
  manager,
  operation,
  apiVersion: object.apiVersion,
  time: `${new Date().toISOString().slice(0, 19)}Z`,
  fieldsType: "FieldsV1",
  fieldsV1,
});

const withManagedFields = (object: KubeObject, managedFields: ManagedFields[]): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, managedFields },
});

/** An object of a POST: whoever sent it owns all of it. */
export const markCreated = (object: KubeObject, manager: string): KubeObject =>
  withManagedFields(object, [createEntry(object, manager, "Update", collectFields(object))]);

/**
 * Server-side apply, always forced: `live` with what `applied` says, less what the same manager had applied and does not any more.
 * @returns `live` itself when nothing changes
 */
export function applyObject(live: KubeObject, applied: KubeObject, manager: string): KubeObject {
  const entries = readManagedFields(live);
  const isOwn = (entry: ManagedFields): boolean => entry.manager === manager && entry.operation === "Apply";
  const previous = entries.find(isOwn)?.fieldsV1;
  const wanted = collectFields(applied);
  const others = entries.filter((entry) => !isOwn(entry));
  const merged = mergeFields(live, dropUnapplied(applied));
  const settled =
    previous === undefined
      ? merged
      : removeOrphans(merged, previous, [wanted, ...others.map((entry) => entry.fieldsV1)]);
  if (settled === live && previous === wanted) return live;
  const kept = others.flatMap((entry) => {
    const fieldsV1 = withoutConflicts(entry.fieldsV1, wanted, live, settled);
    return Object.keys(fieldsV1).length === 0 ? [] : [{ ...entry, fieldsV1 }];
  });
  return withManagedFields(asObject(settled), [...kept, createEntry(live, manager, "Apply", wanted)]);
}

/** What an update wrote counts as its manager's. */
export function markUpdated(live: KubeObject, updated: KubeObject, manager: string): KubeObject {
  const fields = collectFields(updated);
  const kept = readManagedFields(live).filter((entry) => entry.manager !== manager || entry.operation !== "Update");
  const others = kept.map((entry) => ({
    ...entry,
    fieldsV1: withoutConflicts(entry.fieldsV1, fields, live, updated),
  }));
  return withManagedFields(updated, [...others, createEntry(updated, manager, "Update", fields)]);
}

/** Names and what the server keeps are not merged. */
function dropUnapplied(applied: KubeObject): Record<string, unknown> {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = applied;
  const { name: _name, namespace: _namespace, uid: _uid, managedFields: _managed, ...kept } = metadata;
  return { ...rest, metadata: kept };
}

function asObject(value: unknown): KubeObject {
  if (!isRecord(value) || textAt(value, "kind") === "") throw new Error("an apply has lost its object");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made by merging into a whole object
  return value as unknown as KubeObject;
}
