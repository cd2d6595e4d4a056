import { expect, test } from "vitest";
import { assertMachinePrograms } from "../src/bench/by-hand.ts";
import { buildLineReport, calculateRatios, judge, judgeLine, replaceLineReport, rules } from "../src/bench/report.ts";
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
  const ours = [100, 150, 100].map((totalMs) => createRun(totalMs));
  expect(calculateRatios(ours, byHand)).toEqual({ ofMedians: 0.5, medianOfPairs: 0.75, withoutDefinitions: 1 });
});

test.each([
  ["provisioner", 0.9, 60_000, "as aimed for"],
  ["provisioner", 1.3, 60_000, "as aimed for"],
  ["provisioner", 1.31, 60_000, "met"],
  ["provisioner", 2, 60_000, "met"],
  ["provisioner", 2.01, 1, "missed"],
  ["service", 1.5, 11_999, "as aimed for"],
  ["service", 1.51, 11_999, "met"],
  ["service", 2.2, 11_999, "met"],
  ["service", 2.21, 1, "missed"],
  ["service", 0.5, 12_000, "missed"],
  ["service", Number.NaN, 1, "missed"],
  ["service", 1, Number.NaN, "missed"],
] as const)("%s: a ratio of %f and %f ms at the median are %s", (side, ratio, p50Ms, verdict) => {
  expect(judge({ ratio, p50Ms }, rules[side])).toBe(verdict);
});

const measurement = {
  line: "1.32",
  istio: "1.32-dev",
  kubernetes: "v1",
  helm: "v3",
  kubectl: "v1",
  byHand: [createRun(1_000, { "namespaces created": 10, "definitions applied": 60 })],
  provisioner: [{ ...createRun(900, { proven: 900 }), kubernetesVersion: "v1", proofsMs: new Map([["admission", 7]]) }],
  service: [{ ...createRun(2_500, { accepted: 100, "read as Ready": 2_500 }), connectMs: 400, createMs: 2_100 }],
  byHandProvenAfterMs: 5,
};

test("each side is judged by its own rule, over REST with the connection, and the report says so", () => {
  expect(judgeLine(measurement)).toEqual([
    { side: "provisioner", ratio: 0.9, p50Ms: 900, verdict: "as aimed for" },
    { side: "service", ratio: 2.5, p50Ms: 2_500, verdict: "missed" },
  ]);
  const report = buildLineReport(measurement, {
    date: "2026-11-22",
    cores: 2,
    memoryBytes: 2 ** 30,
    platform: "linux x64",
    node: "v24",
    load: { before: 1, after: 1 },
  });
  expect(report).toContain(
    "**Over REST: ratio 2.50** (at most 2.2, aim 1.5, p50 2500 ms of less than 12000 ms): missed.",
  );
  expect(report).toMatch(/of it POST of the control plane to Ready +\| 2100 ms .* 2\.10 \|/);
  expect(report).toMatch(/\| read as Ready +\| +2400 ms \| +2500 ms \|/);
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
