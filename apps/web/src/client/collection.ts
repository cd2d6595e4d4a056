"use client";
import { type Page, ProblemError } from "@pilothouse/contract";
import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";

/** A list that is read page by page, and whose items can be read one by one. */
export interface Collection<Item> {
  /** Of the whole list. */
  key: readonly unknown[];
  readPage: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<Item>>;
  readOne: (name: string) => Promise<Item>;
  nameOf: (item: Item) => string;
}

interface Held<Item> {
  items: readonly Item[];
  isWhole: boolean;
}

export interface CollectionState<Item> {
  items: readonly Item[];
  /** More are still to come. */
  isReading: boolean;
  error: Error | null;
}

/** Keeps a whole list. What has come so far is shown while the rest is read. */
export function useCollection<Item>(collection: Collection<Item>): CollectionState<Item> {
  const queries = useQueryClient();
  const { data, error, isFetching } = useQuery<Held<Item>>({
    queryKey: collection.key,
    queryFn: ({ signal }) => readAll(queries, collection, signal),
    // An event names what changed, and only that is read anew; after a lost stream everything is.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  const items = data?.items ?? [];
  return { items, isReading: isFetching && data?.isWhole !== true, error };
}

async function readAll<Item>(
  queries: QueryClient,
  { key, readPage }: Collection<Item>,
  signal: AbortSignal,
): Promise<Held<Item>> {
  const before = queries.getQueryData<Held<Item>>(key);
  let items: readonly Item[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await readPage(cursor, signal);
    items = [...items, ...page.items];
    if (page.nextCursor === null) return { items, isWhole: true };
    cursor = page.nextCursor;
    // Only where nothing is shown yet: a list that is read anew stays whole meanwhile.
    if (before === undefined) queries.setQueryData<Held<Item>>(key, { items, isWhole: false });
  }
}

/** Reads of single items that are under way: whether another is wanted after it, and whether the item has gone meanwhile. */
const underWay = new Map<string, { again: boolean; isGone: boolean }>();

const nameRead = <Item>({ key }: Collection<Item>, name: string): string => JSON.stringify([key, name]);

/**
 * Reads one item of a list anew and puts it into its place, if the list is held. However many events name it at once, at most one read is under way
 * and one waits.
 */
export async function refreshItem<Item>(
  queries: QueryClient,
  collection: Collection<Item>,
  name: string,
): Promise<void> {
  if (queries.getQueryData(collection.key) === undefined) return;
  const id = nameRead(collection, name);
  const running = underWay.get(id);
  if (running !== undefined) {
    Object.assign(running, { again: true, isGone: false });
    return;
  }
  const state = { again: true, isGone: false };
  underWay.set(id, state);
  try {
    while (state.again) {
      state.again = false;
      const read = await readOrGone(collection, name);
      const item = state.isGone ? undefined : read;
      queries.setQueryData<Held<Item>>(collection.key, (held) => held && putItem(held, collection, { name, item }));
    }
  } finally {
    underWay.delete(id);
  }
}

/** Takes an item out of a list, if that is held: who says that it is gone need not be asked. */
export function removeItem<Item>(queries: QueryClient, collection: Collection<Item>, name: string): void {
  // What is being read just now was there when it was asked for.
  Object.assign(underWay.get(nameRead(collection, name)) ?? {}, { again: false, isGone: true });
  queries.setQueryData<Held<Item>>(
    collection.key,
    (held) => held && putItem(held, collection, { name, item: undefined }),
  );
}

async function readOrGone<Item>({ readOne }: Collection<Item>, name: string): Promise<Item | undefined> {
  try {
    return await readOne(name);
  } catch (error) {
    if (error instanceof ProblemError && error.status === 404) return undefined;
    throw error;
  }
}

function putItem<Item>(
  { items, isWhole }: Held<Item>,
  { nameOf }: Collection<Item>,
  { name, item }: { name: string; item: Item | undefined },
): Held<Item> {
  const index = items.findIndex((one) => nameOf(one) === name);
  if (item === undefined) return { items: items.filter((one) => nameOf(one) !== name), isWhole };
  if (index !== -1) return { items: items.with(index, item), isWhole };
  const after = items.findIndex((one) => nameOf(one) > name);
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
