import { ProvisionerError } from "@pilothouse/provisioner";
import { expect, test } from "vitest";
import { backOffMs, judgeError, LookCancelled } from "./back-off.ts";

const middle = () => 0.5;

test("waits double with each failure, up to five minutes, and are spread by a quarter", () => {
  expect([1, 2, 3, 20].map((failures) => backOffMs(failures, middle))).toEqual([2_000, 4_000, 8_000, 300_000]);
  expect(backOffMs(1_000, () => 1)).toBe(375_000);
  expect(backOffMs(1, () => 0)).toBe(1_500);
});

test.for([
  ["user", 300_000, false],
  ["notReady", 16_000, true],
  ["transient", 16_000, true],
  ["unknown", 16_000, true],
] as const)("an error of the kind %s", ([kind, requeueAfterMs, failed]) => {
  const error = new ProvisionerError(kind, "Some", "Something.");
  expect(judgeError(error, 3, middle)).toEqual({ result: kind, requeueAfterMs, failed });
});

test("what nobody typed is unknown; a look that was ended is no failure", () => {
  expect(judgeError(new TypeError("x"), 0, middle)).toMatchObject({ result: "unknown", failed: true });
  expect(judgeError(new LookCancelled("x"), 9, middle)).toMatchObject({ requeueAfterMs: 0, failed: false });
});
