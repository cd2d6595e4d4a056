import { isDeepStrictEqual } from "node:util";
import { isRecord, type JsonRecord, textAt } from "./values.ts";

/** Which fields a manager owns, in the form of FieldsV1: `f:name` for a field, `k:{"name":"x"}` for an item of a keyed list. */
export interface FieldSet {
  [key: string]: FieldSet;
}

const leaf: FieldSet = Object.freeze({});
const isLeaf = (fields: FieldSet): boolean => Object.keys(fields).length === 0;

/** The one list here that is merged by its items' names; all others are taken as a whole. */
const keyedList = "webhooks";
/** Maps that are taken as a whole (`+structType=atomic`). */
const atomicMaps = new Set(["namespaceSelector", "objectSelector", "podSelector", "selector"]);

const itemKey = (item: unknown): string => `k:${JSON.stringify({ name: textAt(item, "name") })}`;

const isKeyedList = (key: string, value: unknown): value is unknown[] => key === keyedList && Array.isArray(value);
const isOpenMap = (key: string, value: unknown): value is JsonRecord => isRecord(value) && !atomicMaps.has(key);

const interned = new Map<string, FieldSet>();

/** One object for equal sets: thousands of objects have the same fields. */
function intern(fields: FieldSet): FieldSet {
  const text = JSON.stringify(fields);
  const known = interned.get(text);
  if (known === undefined) interned.set(text, fields);
  return known ?? fields;
}

function collect(key: string, value: unknown): FieldSet {
  if (isKeyedList(key, value) && value.length > 0)
    return Object.fromEntries(value.map((item) => [itemKey(item), collect("", item)]));
  if (!isOpenMap(key, value) || Object.keys(value).length === 0) return leaf;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [`f:${name}`, collect(name, inner)]));
}

const unownedMetadata = new Set(["name", "namespace", "uid", "managedFields", "resourceVersion", "generation"]);

/** All fields of an object that somebody can own. */
export function collectFields(object: JsonRecord): FieldSet {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object;
  const owned = Object.fromEntries(
    Object.entries(isRecord(metadata) ? metadata : {}).filter(([name]) => !unownedMetadata.has(name)),
  );
  return intern(collect("", Object.keys(owned).length === 0 ? rest : { ...rest, metadata: owned }));
}

/** `live` with what `applied` says. Whatever does not change is the very value it was. */
export function mergeFields(live: unknown, applied: unknown, key = ""): unknown {
  if (live === applied) return live;
  if (isKeyedList(key, live) && isKeyedList(key, applied)) {
    const wanted = new Map(applied.map((item) => [itemKey(item), item]));
    const kept = live.map((item) => {
      const found = wanted.get(itemKey(item));
      wanted.delete(itemKey(item));
      return found === undefined ? item : mergeFields(item, found);
    });
    return keepEqual(live, [...kept, ...wanted.values()]);
  }
  if (isOpenMap(key, live) && isRecord(applied)) {
    const merged = Object.entries(applied).map(
      ([name, value]) => [name, mergeFields(live[name], value, name)] as const,
    );
    return merged.every(([name, value]) => Object.hasOwn(live, name) && live[name] === value)
      ? live
      : { ...live, ...Object.fromEntries(merged) };
  }
  return isDeepStrictEqual(live, applied) ? live : applied;
}

const keepEqual = (before: unknown[], after: unknown[]): unknown[] =>
  before.length === after.length && before.every((item, index) => item === after[index]) ? before : after;

/** `value` without the fields of `previous` that nobody owns any more. */
export function removeOrphans(value: unknown, previous: FieldSet, owners: readonly FieldSet[]): unknown {
  if (isLeaf(previous) || owners.some(isLeaf)) return value;
  const settle = (key: string, inner: unknown): { isGone: boolean; inner: unknown } => {
    const before = previous[key];
    if (before === undefined) return { isGone: false, inner };
    const others = owners.flatMap((owner) => owner[key] ?? []);
    if (others.length === 0) return { isGone: true, inner };
    return { isGone: false, inner: removeOrphans(inner, before, others) };
  };
  if (Array.isArray(value)) {
    const kept = value.flatMap((item: unknown) => {
      const { isGone, inner } = settle(itemKey(item), item);
      return isGone ? [] : [inner];
    });
    return keepEqual(value, kept);
  }
  if (!isRecord(value)) return value;
  const entries = Object.entries(value);
  const kept = entries.flatMap(([name, item]) => {
    const { isGone, inner } = settle(`f:${name}`, item);
    return isGone ? [] : [[name, inner] as const];
  });
  const isSame = kept.length === entries.length && kept.every(([name, item]) => value[name] === item);
  return isSame ? value : Object.fromEntries(kept);
}

/** `fields` less what another manager has just given other values. */
export function withoutConflicts(fields: FieldSet, taken: FieldSet, before: unknown, after: unknown): FieldSet {
  if (before === after) return fields;
  const itemOf = (value: unknown, key: string): unknown =>
    Array.isArray(value)
      ? value.find((item) => itemKey(item) === key)
      : isRecord(value)
        ? value[key.slice("f:".length)]
        : undefined;
  const kept = Object.entries(fields).flatMap(([key, inner]): [string, FieldSet][] => {
    const other = taken[key];
    const [old, now] = [itemOf(before, key), itemOf(after, key)];
    if (other === undefined || isDeepStrictEqual(old, now)) return [[key, inner]];
    if (isLeaf(inner) || isLeaf(other)) return [];
    const rest = withoutConflicts(inner, other, old, now);
    return isLeaf(rest) ? [] : [[key, rest]];
  });
  return intern(Object.fromEntries(kept));
}
