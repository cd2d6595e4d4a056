import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "@pilothouse/provisioner";
import type { ServedKind } from "./kinds.ts";

/** An object that was written or, with `after` absent, removed. */
export interface Change {
  kind: ServedKind;
  before?: KubeObject;
  after?: KubeObject;
}

/** The objects of one cluster. They are never changed in place. */
export interface ObjectStore {
  get: (kind: ServedKind, namespace: string | undefined, name: string) => KubeObject | undefined;
  list: (kind: ServedKind, namespace?: string) => KubeObject[];
  /** All objects of all kinds. */
  listAll: () => { kind: ServedKind; object: KubeObject }[];
  /** Stores a new object, with a UID and what else a server gives. */
  insert: (kind: ServedKind, object: KubeObject) => KubeObject;
  /** Replaces an object; what is equal to it stays as it was. */
  replace: (kind: ServedKind, before: KubeObject, after: KubeObject) => KubeObject;
  remove: (kind: ServedKind, object: KubeObject) => void;
  /** Calls back after each change, in the same turn; until the signal is aborted. */
  onChange: (listener: (change: Change) => void, signal?: AbortSignal) => void;
  /** Of the last write. */
  version: () => string;
}

const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ""}/${name}`;

/** Kinds whose objects count generations of their spec are those that have one. */
const isSpecChanged = (before: KubeObject, after: KubeObject): boolean => {
  const rest = ({ metadata: _metadata, status: _status, ...kept }: KubeObject): object => kept;
  return !isDeepStrictEqual(rest(before), rest(after));
};

export function createObjectStore(): ObjectStore {
  const shelves = new Map<string, { kind: ServedKind; objects: Map<string, KubeObject> }>();
  const listeners = new Set<(change: Change) => void>();
  let version = 1;

  const shelfOf = (kind: ServedKind): Map<string, KubeObject> => {
    const id = `${kind.group}/${kind.resource}`;
    const found = shelves.get(id);
    if (found !== undefined) return found.objects;
    const objects = new Map<string, KubeObject>();
    shelves.set(id, { kind, objects });
    return objects;
  };
  const stamp = (object: KubeObject, metadata: Partial<KubeObject["metadata"]>): KubeObject => {
    version += 1;
    return { ...object, metadata: { ...object.metadata, ...metadata, resourceVersion: String(version) } };
  };
  const tell = (change: Change): void => {
    for (const listener of listeners) listener(change);
  };

  return {
    get: (kind, namespace, name) => shelves.get(`${kind.group}/${kind.resource}`)?.objects.get(keyOf(namespace, name)),
    list(kind, namespace) {
      const all = [...(shelves.get(`${kind.group}/${kind.resource}`)?.objects.values() ?? [])];
      const found = namespace === undefined ? all : all.filter(({ metadata }) => metadata.namespace === namespace);
      return found.toSorted((a, b) =>
        keyOf(a.metadata.namespace, a.metadata.name) < keyOf(b.metadata.namespace, b.metadata.name) ? -1 : 1,
      );
    },
    listAll: () =>
      [...shelves.values()].flatMap(({ kind, objects }) => [...objects.values()].map((object) => ({ kind, object }))),
    insert(kind, object) {
      const stored = stamp(object, {
        uid: randomUUID(),
        creationTimestamp: `${new Date().toISOString().slice(0, 19)}Z`,
        ...(object["spec"] === undefined ? {} : { generation: 1 }),
      });
      shelfOf(kind).set(keyOf(stored.metadata.namespace, stored.metadata.name), stored);
      tell({ kind, after: stored });
      return stored;
    },
    replace(kind, before, after) {
      if (after === before) return before;
      const { generation } = before.metadata;
      const next = generation !== undefined && isSpecChanged(before, after) ? { generation: generation + 1 } : {};
      const stored = stamp(after, next);
      shelfOf(kind).set(keyOf(stored.metadata.namespace, stored.metadata.name), stored);
      tell({ kind, before, after: stored });
      return stored;
    },
    remove(kind, object) {
      const { namespace, name } = object.metadata;
      const shelf = shelfOf(kind);
      if (shelf.get(keyOf(namespace, name))?.metadata.uid !== object.metadata.uid) return;
      shelf.delete(keyOf(namespace, name));
      version += 1;
      tell({ kind, before: object });
    },
    onChange(listener, signal) {
      listeners.add(listener);
      signal?.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
    version: () => String(version),
  };
}
