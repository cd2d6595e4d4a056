import { expect, test } from "vitest";
import { createLimits } from "./limits.ts";

test("places are limited in all and per shard, and come back", () => {
  const limits = createLimits({ overall: 3, perShard: 2 });
  expect(["a", "a", "a", "b", "c"].map(limits.tryAcquire)).toEqual([true, true, false, true, false]);
  expect([limits.free(), limits.listFull()]).toEqual([0, ["a"]]);
  limits.release("a");
  expect(limits.tryAcquire("c")).toBe(true);
  expect(limits.running()).toBe(3);
});

test("who waited for a place was not missed, until that is long ago", () => {
  let nowMs = 0;
  const limits = createLimits({ overall: 9, perShard: 1 }, () => nowMs);
  expect(limits.wasShort("a", 15_000)).toBe(false);
  limits.tryAcquire("a");
  limits.release("a");
  nowMs = 14_999;
  expect([limits.wasShort("a", 15_000), limits.wasShort("b", 15_000)]).toEqual([true, false]);
  nowMs = 15_000;
  expect(limits.wasShort("a", 15_000)).toBe(false);
});
