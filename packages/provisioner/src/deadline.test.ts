import { expect, test } from "vitest";
import { createDeadline } from "./deadline.ts";

function createTestClock() {
  const now = { monotonicMs: 1_000, wallMs: 500_000 };
  return { now, clock: { monotonicMs: () => now.monotonicMs, wallMs: () => now.wallMs } };
}

test("time left counts down to zero, and then nothing may be written", () => {
  const { now, clock } = createTestClock();
  const deadline = createDeadline(300, clock);
  expect([deadline.atMs, deadline.remainingMs()]).toEqual([1_300, 300]);
  expect(() => deadline.assertNotPassed("a write")).not.toThrow();
  now.monotonicMs += 299;
  expect(deadline.remainingMs()).toBe(1);
  now.monotonicMs += 1;
  expect(deadline.remainingMs()).toBe(0);
  expect(() => deadline.assertNotPassed("a write")).toThrow("a write");
});

test("a suspended machine's deadline passes by the wall clock; a clock set back does not extend it", () => {
  const { now, clock } = createTestClock();
  const deadline = createDeadline(300, clock);
  now.wallMs -= 100_000;
  expect(deadline.remainingMs()).toBe(300);
  now.wallMs += 100_301;
  expect(deadline.remainingMs()).toBe(0);
});

test("the signal aborts at the deadline", async () => {
  const { signal } = createDeadline(20);
  expect(signal.aborted).toBe(false);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  expect(signal.aborted).toBe(true);
});

test.for([-1, Number.NaN, 2 ** 31])("%d ms is no deadline", (afterMs) => {
  expect(() => createDeadline(afterMs)).toThrow(RangeError);
});
