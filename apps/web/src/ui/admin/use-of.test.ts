import { expect, test } from "vitest";
import { describeUse, findTightest, toneOfUse } from "./use-of.ts";

const cluster = {
  capacity: { slots: 40, cpuMilli: 4_000, memoryMib: 8_192 },
  reserved: { slots: 10, cpuMilli: 3_600, memoryMib: 512 },
};

test("what runs out first counts", () => {
  expect(describeUse(cluster).map(({ share }) => share)).toEqual([0.25, 0.9, 0.0625]);
  expect(findTightest(cluster)).toBe(0.9);
  expect([0.1, 0.8, 0.9].map(toneOfUse)).toEqual(["ok", "warn", "bad"]);
});

test("values have their units, and nothing of nothing is full", () => {
  const none = { capacity: { slots: 0, cpuMilli: 0, memoryMib: 0 }, reserved: { slots: 0, cpuMilli: 0, memoryMib: 0 } };
  expect(findTightest(none)).toBe(1);
  expect(describeUse(cluster).map(({ format, reserved }) => format(reserved))).toEqual(["10", "3.6 cores", "512 MiB"]);
});
