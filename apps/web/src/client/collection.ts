"use client";
import { mostWanted, type Page } from "@pilothouse/contract";
import { type Query, type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { preload } from "react-dom";
import { readAnew } from "./read-anew.ts";

/** A list that is read page by page, and of which some items can be read by their names. */
export interface Collection<Item> {
  /** Of the whole list. */
  key: readonly unknown[];
  /** Address of its first page. */
  firstPage: string;
  readPage: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<Item>>;
  /** Reads up to `mostWanted` items; what is not among them is gone. */
  readNamed: (names: readonly string[]) => Promise<Page<Item>>;
  nameOf: (item: Item) => string;
  /** What its pages are ordered by, where that is not the name. */
  orderOf?: (item: Item) => string;
}

/** A list as far as it has come. */
export interface Held<Item> {
  items: readonly Item[];
  isWhole: boolean;
}

export interface CollectionState<Item> {
  items: readonly Item[];
  /** All that there is has come: only then is an empty list empty. */
  isWhole: boolean;
  /** More are still to come. */
  isReading: boolean;
  error: Error | null;
  /** Tries again what could not be read. */
  readAgain: () => void;
}

/**
 * How long a list holds, in milliseconds. An event names what changed, and only that is read anew; after a lost stream everything is. Half a list, whose
 * reading was broken off, holds no time at all.
 */
export const findStaleMs = ({ state }: { state: { data: Held<unknown> | undefined } }): number =>
  state.data?.isWhole === true ? Number.POSITIVE_INFINITY : 0;

/** Keeps a whole list. What has come so far is shown while the rest is read. */
export function useCollection<Item>(collection: Collection<Item>): CollectionState<Item> {
  const queries = useQueryClient();
  preloadFirstPage(collection.firstPage);
  const { data, error, refetch } = useQuery<Held<Item>>({
    queryKey: collection.key,
    queryFn: ({ signal }) => readWhole(queries, collection, signal),
    staleTime: findStaleMs,
    refetchOnWindowFocus: false,
  });
  const isWhole = data?.isWhole === true;
  return {
    items: data?.items ?? [],
    isWhole,
    isReading: !isWhole && error === null,
    error,
    readAgain: () => void refetch(),
  };
}

/** While a document is made: has the browser ask for a list together with the scripts that will show it. */
function preloadFirstPage(firstPage: string): void {
  // As `fetch` asks: with the session, and of this origin alone.
  if (globalThis.document === undefined) preload(firstPage, { as: "fetch", crossOrigin: "anonymous" });
}

/** What is known of a list beside what is held of it. */
interface Following {
  /** Items that were read by their names while the whole list is being read, of which its pages may know older things. */
  sinceBegin: Map<string, unknown> | undefined;
  /** Names of items that are to be read, and of those that are being read. */
  waiting: Set<string>;
  reading: Set<string>;
  isReading: boolean;
}

const followings = new WeakMap<QueryClient, Map<string, Following>>();

function follow(queries: QueryClient, key: readonly unknown[]): Following {
  const all = followings.get(queries) ?? new Map<string, Following>();
  followings.set(queries, all);
  const id = JSON.stringify(key);
  const found = all.get(id) ?? { sinceBegin: undefined, waiting: new Set(), reading: new Set(), isReading: false };
  all.set(id, found);
  return found;
}

/** Reads a list page by page, and shows it each time that it has doubled. What was read by its name meanwhile is newer than its page. */
export async function readWhole<Item>(
  queries: QueryClient,
  collection: Collection<Item>,
  signal: AbortSignal,
): Promise<Held<Item>> {
  const { key, readPage } = collection;
  const following = follow(queries, key);
  const newer = new Map<string, Item | undefined>();
  following.sinceBegin = newer;
  const before = queries.getQueryData<Held<Item>>(key);
  let items: readonly Item[] = [];
  let shown = 0;
  const hold = (isWhole: boolean): Held<Item> =>
    [...newer].reduce((held, [name, item]) => putItem(held, collection, name, item), { items, isWhole });
  try {
    for (let cursor: string | undefined; ;) {
      const page = await readPage(cursor, signal);
      items = [...items, ...page.items];
      if (page.nextCursor === null) return hold(true);
      cursor = page.nextCursor;
      // Only where no whole list is shown yet: one that is read anew stays whole meanwhile. What it costs to show a list grows with it.
      if (before?.isWhole === true || items.length < 2 * shown) continue;
      queries.setQueryData<Held<Item>>(key, hold(false));
      shown = items.length;
    }
  } finally {
    if (following.sinceBegin === newer) following.sinceBegin = undefined;
  }
}

/**
 * Reads one item of a list anew and puts it into its place, where the list is held or being read. What is named while others are being read is read together
 * after them; when they can't be read, or what is held is out of date, the whole list is in their place.
 */
export async function refreshItem<Item>(
  queries: QueryClient,
  collection: Collection<Item>,
  name: string,
): Promise<void> {
  const query = findList(queries, collection);
  if (query === undefined) return;
  if (isForWhole(query)) return readListAnew(queries, collection);
  const following = follow(queries, collection.key);
  following.waiting.add(name);
  if (following.isReading) return;
  following.isReading = true;
  try {
    // Events that came together are told of one after the other.
    await new Promise((resolve) => setTimeout(resolve));
    while (following.waiting.size > 0) await readWaiting(queries, collection, following);
  } finally {
    following.isReading = false;
  }
}

const findList = <Item>(queries: QueryClient, { key }: Collection<Item>): Query<Held<Item>> | undefined =>
  queries.getQueryCache().find<Held<Item>>({ queryKey: key, exact: true });

const readListAnew = <Item>(queries: QueryClient, { key }: Collection<Item>): Promise<void> =>
  readAnew(queries, { queryKey: key, exact: true });

/** What is held of it can't be brought up to date by single items: nobody looks at it, or it could not be read when somebody did. */
const isForWhole = <Item>({ state: { data, isInvalidated, fetchStatus } }: Query<Held<Item>>): boolean =>
  fetchStatus === "idle" && (data === undefined || isInvalidated);

async function readWaiting<Item>(
  queries: QueryClient,
  collection: Collection<Item>,
  following: Following,
): Promise<void> {
  const { waiting, reading } = following;
  const query = findList(queries, collection);
  if (query === undefined || isForWhole(query)) {
    waiting.clear();
    return query && readListAnew(queries, collection);
  }
  const names = [...waiting].slice(0, mostWanted);
  for (const name of names) waiting.delete(name);
  for (const name of names) reading.add(name);
  try {
    const { items } = await collection.readNamed(names);
    const found = new Map(items.map((item) => [collection.nameOf(item), item]));
    const read = names.filter((name) => reading.has(name)).map((name) => ({ name, item: found.get(name) }));
    for (const { name, item } of read) following.sinceBegin?.set(name, item);
    // A list that is out of date would pass for new with what is put into it; its reading takes these up.
    if (query.state.isInvalidated) return;
    queries.setQueryData<Held<Item>>(
      collection.key,
      (held) => held && read.reduce((now, { name, item }) => putItem(now, collection, name, item), held),
    );
  } catch {
    // The list says what is wrong where it can't be read, too.
    waiting.clear();
    await readListAnew(queries, collection);
  } finally {
    reading.clear();
  }
}

/** Takes an item out of a list, where that is held or being read: who says that it is gone need not be asked. */
export function removeItem<Item>(queries: QueryClient, collection: Collection<Item>, name: string): void {
  const { waiting, reading, sinceBegin } = follow(queries, collection.key);
  waiting.delete(name);
  // What is being read just now was there when it was asked for.
  reading.delete(name);
  sinceBegin?.set(name, undefined);
  if (findList(queries, collection)?.state.isInvalidated !== false) return;
  queries.setQueryData<Held<Item>>(collection.key, (held) => held && putItem(held, collection, name, undefined));
}

function putItem<Item>(
  { items, isWhole }: Held<Item>,
  { nameOf, orderOf = nameOf }: Collection<Item>,
  name: string,
  item: Item | undefined,
): Held<Item> {
  const index = items.findIndex((one) => nameOf(one) === name);
  if (item === undefined) return { items: items.filter((one) => nameOf(one) !== name), isWhole };
  if (index !== -1) return { items: items.with(index, item), isWhole };
  const after = items.findIndex((one) => orderOf(one) > orderOf(item));
  return { items: items.toSpliced(after === -1 ? items.length : after, 0, item), isWhole };
}

/** An item of a list that is held, by what it fits. */
export function findHeld<Item>(
  queries: QueryClient,
  { key }: Collection<Item>,
  fits: (item: Item) => boolean,
): Item | undefined {
  return queries.getQueryData<Held<Item>>(key)?.items.find(fits);
}
