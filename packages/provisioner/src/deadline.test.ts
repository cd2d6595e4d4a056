import { expect, test } from "vitest";
import { createDeadline, createExtendableDeadline } from "./deadline.ts";

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

test("an extendable deadline moves on from the moment it is given, never back, and not past its most", () => {
  const { now, clock } = createTestClock();
  const deadline = createExtendableDeadline({ afterMs: 300, mostMs: 1_000 }, clock);
  const sent = { monotonicMs: now.monotonicMs + 100, wallMs: now.wallMs + 100 };
  now.monotonicMs += 250;
  now.wallMs += 250;
  expect(deadline.extend(sent, 300)).toBe(true);
  expect([deadline.atMs, deadline.remainingMs()]).toEqual([1_400, 150]);
  expect(deadline.extend({ monotonicMs: 1_000, wallMs: 500_000 }, 10)).toBe(true);
  expect(deadline.remainingMs()).toBe(150);
  expect(deadline.extend(sent, 5_000)).toBe(true);
  expect(deadline.remainingMs()).toBe(750);
  deadline.end();
});

test.for(["monotonicMs", "wallMs"] as const)("once passed by %s it can't be extended, and stays passed", (name) => {
  const { now, clock } = createTestClock();
  const deadline = createExtendableDeadline({ afterMs: 300 }, clock);
  now[name] += 300;
  expect(deadline.remainingMs()).toBe(0);
  expect(deadline.extend({ monotonicMs: now.monotonicMs, wallMs: now.wallMs }, 300)).toBe(false);
  expect(deadline.signal.aborted).toBe(true);
  now[name] -= 300;
  expect(deadline.remainingMs()).toBe(0);
  expect(() => deadline.assertNotPassed("a write")).toThrow("a write");
});

test("an extended deadline's signal aborts at the later moment", async () => {
  const startedMs = performance.now();
  const deadline = createExtendableDeadline({ afterMs: 30 });
  deadline.extend({ monotonicMs: performance.now(), wallMs: Date.now() }, 120);
  // Timers of a deadline keep no process alive; this one does.
  const alive = setTimeout(() => {}, 5_000);
  await new Promise((resolve) => deadline.signal.addEventListener("abort", resolve));
  clearTimeout(alive);
  expect(performance.now() - startedMs).toBeGreaterThan(100);
});
