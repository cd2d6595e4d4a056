import { expect, test } from "vitest";
import { assertMachinePrograms } from "../src/bench/by-hand.ts";
import { calculateRatios, judgeRatio, replaceLineReport } from "../src/bench/report.ts";
import {
  calculateMedian,
  calculatePercentile,
  summarizeSteps,
  summarizeValues,
  type TimedRun,
} from "../src/bench/statistics.ts";

const createRun = (totalMs: number, steps: Record<string, number> = {}): TimedRun => ({
  totalMs,
  steps: new Map(Object.entries(steps)),
});

test("the median is the middle value, or the mean of the two in the middle", () => {
  expect(calculateMedian([9, 1, 5])).toBe(5);
  expect(calculateMedian([10, 1, 2, 4])).toBe(3);
});

test("a percentile is a value that was measured: of ten the p95 is the largest, of twenty the largest but one", () => {
  const values = Array.from({ length: 20 }, (_, index) => 20 - index);
  expect(calculatePercentile(values.slice(10), 0.95)).toBe(10);
  expect(calculatePercentile(values, 0.95)).toBe(19);
  expect(summarizeValues([100])).toEqual({ p50: 100, p95: 100, min: 100, max: 100 });
});

test("steps take the time since the step before them in the same run, whatever their order", () => {
  const runs = [
    createRun(90, { a: 10, b: 30, c: 90 }),
    createRun(70, { b: 10, a: 40, c: 70 }),
    createRun(80, { a: 20, b: 30, c: 80 }),
  ];
  expect(summarizeSteps(runs)).toEqual([
    { name: "a", atMs: 20, tookMs: 20 },
    { name: "b", atMs: 30, tookMs: 10 },
    { name: "c", atMs: 80, tookMs: 50 },
  ]);
});

test("ratios compare medians, pairs, and the script without its step for the definitions", () => {
  const byHand = [
    createRun(100, { "namespaces created": 10, "definitions applied": 60 }),
    createRun(200, { "namespaces created": 10, "definitions applied": 110 }),
    createRun(400, { "namespaces created": 10, "definitions applied": 210 }),
  ];
  const pilothouse = [100, 150, 100].map((totalMs) => ({
    ...createRun(totalMs),
    kubernetesVersion: "",
    proofsMs: new Map(),
  }));
  const ratios = calculateRatios({
    line: "1.32",
    istio: "",
    kubernetes: "",
    helm: "",
    kubectl: "",
    pilothouse,
    byHand,
    byHandProvenAfterMs: 0,
  });
  expect(ratios).toEqual({ ofMedians: 0.5, medianOfPairs: 0.75, withoutDefinitions: 1 });
});

test.each([
  [0.9, true, "as aimed for"],
  [1.3, true, "as aimed for"],
  [1.31, true, "allowed, 1.3 is the aim"],
  [2, true, "allowed, 1.3 is the aim"],
  [2.01, false, "too slow, at most 2 is allowed"],
  [Number.NaN, false, "too slow, at most 2 is allowed"],
])("a ratio of %f is allowed: %s, %s", (ratio, isAllowed, words) => {
  expect(judgeRatio(ratio)).toEqual({ isAllowed, words });
});

test("a line's report replaces what was between its markers, and nothing else", () => {
  const document =
    "a\n<!-- bench 1.22 -->\nold\n<!-- /bench 1.22 -->\nb\n<!-- bench 1.32 -->\nkept\n<!-- /bench 1.32 -->\n";
  expect(replaceLineReport(document, "1.22", "new")).toBe(
    "a\n<!-- bench 1.22 -->\n\nnew\n\n<!-- /bench 1.22 -->\nb\n<!-- bench 1.32 -->\nkept\n<!-- /bench 1.32 -->\n",
  );
  expect(() => replaceLineReport(document, "1.31", "new")).toThrow("<!-- bench 1.31 -->");
});

test("a machine without the script's programs is told which, and how to get them", () => {
  expect(() => assertMachinePrograms()).not.toThrow();
  expect(() => assertMachinePrograms(["/nowhere"])).toThrow(
    /needs bash and curl, and \/nowhere have none\. Get it: apt-get install bash curl/,
  );
});
