import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { NoticeBatch } from "./event-stream.ts";
import { createSharedReads } from "./shared-reads.ts";

test("streams that are woken together read once; other tenants, other positions and whoever comes later read for themselves", async () => {
  const reads: string[] = [];
  const shared = createSharedReads();
  const ask = (source: string, position: string): Promise<NoticeBatch> =>
    shared.read(source, position, async () => {
      reads.push(`${source} ${position}`);
      await nextTurn();
      return { events: [], position, more: false };
    });
  const answers = [ask("acme", "7-1"), ask("acme", "7-1"), ask("umbra", "7-1"), ask("acme", "8-1")];
  await Promise.resolve();
  answers.push(ask("acme", "7-1"));
  expect((await Promise.all(answers)).map(({ position }) => position)).toEqual(["7-1", "7-1", "7-1", "8-1", "7-1"]);
  expect(reads).toEqual(["acme 7-1", "umbra 7-1", "acme 8-1"]);
  await ask("acme", "7-1");
  expect(reads.at(-1)).toBe("acme 7-1");
  expect(reads).toHaveLength(4);
});

test("a read that fails fails for all who share it, and for nobody after them", async () => {
  const shared = createSharedReads();
  const fail = (): Promise<NoticeBatch> => Promise.reject(new Error("no database"));
  const both = await Promise.allSettled([shared.read("acme", "1-1", fail), shared.read("acme", "1-1", fail)]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await nextTurn();
  const batch = { events: [], position: "1-1", more: false };
  expect(await shared.read("acme", "1-1", () => Promise.resolve(batch))).toEqual(batch);
});
