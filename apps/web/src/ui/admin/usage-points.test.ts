import type { UsagePoint } from "@pilothouse/contract";
import { expect, test } from "vitest";
import { describeUsage } from "./usage-points.ts";

const point = (minute: number, slots: number): UsagePoint => ({
  at: new Date(Date.UTC(2026, 0, 1, 10, minute)).toISOString(),
  capacity: { slots: 8, cpuMilli: 4_000, memoryMib: 8_192 },
  reserved: { slots, cpuMilli: 100, memoryMib: 256 },
  used: { slots, cpuMilli: null, memoryMib: 90, proxies: 3 },
});

test("a time without samples leaves a gap, as long as it lasted", () => {
  const points = describeUsage([point(0, 1), point(1, 2), point(9, 3)], "slots", 60);
  expect(points.map(({ values }) => values["reserved"])).toEqual([1, 2, null, 3]);
  expect((points[2]?.atMs ?? 0) - (points[1]?.atMs ?? 0)).toBe(60_000);
});

test("what could not be measured has no value, and what was measured beside it has", () => {
  const [first] = describeUsage([point(0, 1)], "cpuMilli", 60);
  expect(first?.values).toEqual({ capacity: 4_000, reserved: 100, free: 3_900, used: null });
});
