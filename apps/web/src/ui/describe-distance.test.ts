import { expect, test } from "vitest";
import { describeDistance } from "./describe-distance.ts";

test.for([
  [0, "just now"],
  [-4_400, "just now"],
  [3_000, "just now"],
  [-5_000, "5 seconds ago"],
  [59_000, "in 59 seconds"],
  [-60_000, "1 minute ago"],
  [-119_000, "1 minute ago"],
  [3_600_000, "in 1 hour"],
  [-47 * 3_600_000, "1 day ago"],
] as const)("%i ms from now is %s", ([distanceMs, words]) => {
  const nowMs = Date.parse("2026-03-29T01:00:00Z");
  expect(describeDistance(nowMs + distanceMs, nowMs)).toBe(words);
});
