import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Collection, findStaleMs, type Held, readWhole, refreshItem, removeItem } from "./collection.ts";
import { readAnew } from "./read-anew.ts";

interface Thing {
  name: string;
  version: number;
}

/** A service whose answers are what was so when they were asked for, and come when the test lets them. */
function createStore(names: readonly string[]) {
  const things = new Map(names.map((name) => [name, 1]));
  const calls: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  let isAway = false;
  const pass = async (call: string, signal?: AbortSignal): Promise<void> => {
    calls.push(call);
    await gates.get(call)?.promise;
    signal?.throwIfAborted();
    if (isAway) throw new Error("no answer");
  };
  const read = (name: string): Thing => ({ name, version: things.get(name) ?? 0 });
  const collection: Collection<Thing> = {
    key: ["things"],
    firstPage: "/things",
    readPage: async (cursor = "0", signal) => {
      const begin = Number(cursor);
      const items = [...things.keys()]
        .toSorted()
        .slice(begin, begin + 2)
        .map(read);
      const nextCursor = begin + 2 < things.size ? String(begin + 2) : null;
      await pass(`page ${cursor}`, signal);
      return { items, nextCursor };
    },
    readNamed: async (wanted) => {
      const items = wanted.map(read);
      await pass(`named ${wanted.join(" ")}`);
      if (items.some(({ version }) => version < 0)) throw new Error("no answer");
      return { items: items.filter(({ version }) => version > 0), nextCursor: null };
    },
    nameOf: ({ name }) => name,
  };
  return {
    collection,
    calls,
    change: (name: string, version: number): void => void things.set(name, version),
    remove: (name: string): void => void things.delete(name),
    setAway: (value: boolean): void => void (isAway = value),
    /** Answers of this call wait from now on. Returns what lets them go. */
    hold: (call: string): (() => void) => {
      const gate = Promise.withResolvers<void>();
      gates.set(call, gate);
      return () => {
        gates.delete(call);
        gate.resolve();
      };
    },
  };
}

let queries: QueryClient;
let stopShowing: () => void;

beforeEach(() => {
  queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  stopShowing = () => {};
});

afterEach(() => {
  stopShowing();
  queries.clear();
});

const show = (collection: Collection<Thing>): void => {
  const observer = new QueryObserver<Held<Thing>>(queries, {
    queryKey: collection.key,
    queryFn: ({ signal }) => readWhole(queries, collection, signal),
    staleTime: findStaleMs,
  });
  stopShowing = observer.subscribe(() => {});
};

const held = (): string => {
  const list = queries.getQueryData<Held<Thing>>(["things"]);
  const names = list?.items.map(({ name, version }) => `${name}${version}`).join(" ") ?? "nothing";
  return list?.isWhole === false ? `${names} …` : names;
};

test("a change behind the page that was read last is not lost while the rest is read", async () => {
  const { collection, change, hold } = createStore(["a", "b", "c", "d"]);
  const release = hold("page 2");
  show(collection);
  await expect.poll(held).toBe("a1 b1 …");
  change("a", 2);
  await refreshItem(queries, collection, "a");
  expect(held()).toBe("a2 b1 …");
  release();
  await expect.poll(held).toBe("a2 b1 c1 d1");
});

test("a change while the first page is under way is not lost", async () => {
  const { collection, change, hold, calls } = createStore(["a", "b"]);
  const release = hold("page 0");
  show(collection);
  await expect.poll(() => calls).toEqual(["page 0"]);
  change("b", 2);
  await refreshItem(queries, collection, "b");
  release();
  await expect.poll(held).toBe("a1 b2");
});

test("what is read for the first time while everything may have changed is read once more, and broken off by nobody", async () => {
  const { collection, change, hold, calls } = createStore(["a", "b"]);
  const release = hold("page 0");
  show(collection);
  await expect.poll(() => calls).toEqual(["page 0"]);
  change("a", 2);
  const read = Promise.all([1, 2, 3].map(() => readAnew(queries, { queryKey: ["things"] })));
  release();
  await read;
  expect(held()).toBe("a2 b1");
  expect(calls).toEqual(["page 0", "page 0"]);
});

test("one item that is read anew does not make a list pass for new that is out of date", async () => {
  const { collection, change } = createStore(["a", "b"]);
  show(collection);
  await expect.poll(held).toBe("a1 b1");
  stopShowing();
  change("a", 2);
  change("b", 2);
  await readAnew(queries, { queryKey: ["things"] });
  await refreshItem(queries, collection, "b");
  show(collection);
  await expect.poll(held).toBe("a2 b2");
});

test("half a list whose reading was broken off is read anew by whoever looks next", async () => {
  const { collection, hold } = createStore(["a", "b", "c"]);
  const release = hold("page 2");
  show(collection);
  await expect.poll(held).toBe("a1 b1 …");
  stopShowing();
  release();
  show(collection);
  await expect.poll(held).toBe("a1 b1 c1");
});

test("an item that can't be read has the whole list read", async () => {
  const { collection, change } = createStore(["a", "b"]);
  show(collection);
  await expect.poll(held).toBe("a1 b1");
  change("a", -1);
  await refreshItem(queries, collection, "a");
  expect(held()).toBe("a-1 b1");
});

test("a list that could not be read is read whole with the next change, if somebody still looks at it", async () => {
  const { collection, change, calls, setAway } = createStore(["a", "b"]);
  show(collection);
  await expect.poll(held).toBe("a1 b1");
  setAway(true);
  change("a", 2);
  await refreshItem(queries, collection, "a");
  expect(held()).toBe("a1 b1");
  expect(queries.getQueryState(["things"])?.status).toBe("error");
  setAway(false);
  change("b", 2);
  await refreshItem(queries, collection, "b");
  expect(held()).toBe("a2 b2");
  setAway(true);
  await refreshItem(queries, collection, "b");
  setAway(false);
  stopShowing();
  calls.length = 0;
  await refreshItem(queries, collection, "b");
  expect(calls).toEqual([]);
});

test("what is new comes where the pages would have it, though that is not by name", async () => {
  const { collection, change } = createStore(["a", "b", "d"]);
  const byVersion: Collection<Thing> = { ...collection, orderOf: ({ version }) => String(version) };
  change("b", 3);
  change("d", 5);
  show(byVersion);
  await expect.poll(held).toBe("a1 b3 d5");
  change("e", 2);
  await refreshItem(queries, byVersion, "e");
  expect(held()).toBe("a1 e2 b3 d5");
});

test("many at once are read together, and what is named while they are being read is once more, and together", async () => {
  const names = Array.from({ length: 40 }, (_, index) => `n${String(index).padStart(2, "0")}`);
  const { collection, change, hold, calls } = createStore(names);
  show(collection);
  await expect.poll(() => queries.getQueryData<Held<Thing>>(["things"])?.isWhole).toBe(true);
  calls.length = 0;
  for (const name of names) change(name, 2);
  await Promise.all(names.map((name) => refreshItem(queries, collection, name)));
  await expect.poll(held).toBe(names.map((name) => `${name}2`).join(" "));
  expect(calls).toEqual([`named ${names.join(" ")}`]);
  calls.length = 0;
  const release = hold("named n05");
  const reading = refreshItem(queries, collection, "n05");
  await expect.poll(() => calls).toEqual(["named n05"]);
  for (const name of ["n06", "n05", "n06", "n05"]) void refreshItem(queries, collection, name);
  release();
  await reading;
  expect(calls).toEqual(["named n05", "named n06 n05"]);
});

test("what is gone leaves the list, and what is new comes to its place", async () => {
  const { collection, change, remove } = createStore(["a", "c"]);
  show(collection);
  await expect.poll(held).toBe("a1 c1");
  change("b", 1);
  remove("c");
  await Promise.all(["b", "c"].map((name) => refreshItem(queries, collection, name)));
  await expect.poll(held).toBe("a1 b1");
});

test("what is said to be gone does not come back with an answer that was given before", async () => {
  const { collection, hold, calls } = createStore(["a", "b"]);
  show(collection);
  await expect.poll(held).toBe("a1 b1");
  const release = hold("named a");
  const refreshed = refreshItem(queries, collection, "a");
  await expect.poll(() => calls).toContain("named a");
  removeItem(queries, collection, "a");
  release();
  await refreshed;
  expect(held()).toBe("b1");
});
