import { usageRetentionHours } from "@pilothouse/contract";
import { expect, test } from "vitest";
import { planSteps } from "./get-usage.ts";

const now = new Date("2026-11-23T10:07:31Z");

test.each([
  [1, 500, 60],
  [24, 200, 480],
  [24, 500, 180],
  [usageRetentionHours, 500, 5_220],
  [1, 2, 1_800],
])("%i hours in %i points are steps of %i s", (hours, points, stepSeconds) => {
  const plan = planSteps(now, { hours, points });
  expect(plan.stepSeconds).toBe(stepSeconds);
  const last = Math.floor(now.getTime() / 1_000 / stepSeconds) * stepSeconds;
  const count = (last - plan.fromSeconds) / stepSeconds + 1;
  expect(count).toBeLessThanOrEqual(points);
  expect(now.getTime() / 1_000 - plan.fromSeconds).toBeGreaterThan(hours * 3_600 - stepSeconds);
});

test("a point stands for the same time, whenever one asks", () => {
  const later = new Date(now.getTime() + 60_000);
  const [a, b] = [now, later].map((at) => planSteps(at, { hours: 24, points: 200 }).fromSeconds);
  expect(((b ?? 0) - (a ?? 0)) % 480).toBe(0);
});
