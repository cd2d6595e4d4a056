import { expect, test } from "vitest";
import { countTests, formatCount } from "./test-report.ts";
import type { TestCaseReport, TestFileReport, TestReport } from "./test-report.ts";

function makeTest(name: string, state: TestCaseReport["state"]): TestCaseReport {
  return { name, state, durationMs: 1 };
}

function makeFile(tests: TestCaseReport[], errors: string[] = []): TestFileReport {
  return { path: "a.test.ts", durationMs: 1, tests, errors };
}

function makeReport(files: TestFileReport[], rest: Partial<TestReport> = {}): TestReport {
  return { finished: true, expected: files.map(({ path }) => path), files, unhandledErrors: [], ...rest };
}

const passing = makeFile([makeTest("one", "passed"), makeTest("two", "passed")]);

test("a clean run counts its tests", () => {
  expect(countTests("unit", makeReport([passing]), 0)).toEqual({ passed: 2, failed: 0, problems: [] });
});

test.each<[string, TestReport | undefined, number, number, string]>([
  ["a failed test", makeReport([makeFile([makeTest("one", "failed")])]), 1, 0, "a.test.ts > one: failed"],
  [
    "a failed test with a reason",
    makeReport([makeFile([{ ...makeTest("one", "failed"), reason: "expected 1 to be 2" }])]),
    1,
    0,
    "a.test.ts > one: failed: expected 1 to be 2",
  ],
  ["a skipped test", makeReport([makeFile([makeTest("one", "skipped")])]), 0, 0, "a.test.ts > one: skipped"],
  ["a test that did not end", makeReport([makeFile([makeTest("one", "pending")])]), 1, 0, "a.test.ts > one: pending"],
  ["a file that does not load", makeReport([makeFile([], ["no such module"])]), 1, 0, "a.test.ts: no such module"],
  ["a file without tests", makeReport([makeFile([])]), 0, 0, "a.test.ts: holds no test"],
  [
    "an error after the tests of a file",
    makeReport([makeFile([makeTest("one", "passed")], ["afterAll threw"])]),
    1,
    1,
    "a.test.ts: afterAll threw",
  ],
  ["an unhandled error", makeReport([passing], { unhandledErrors: ["oops"] }), 1, 2, "unit: unhandled error: oops"],
  ["a suite without files", makeReport([]), 0, 0, "unit: no test file found"],
  ["a run that wrote no report", undefined, 1, 0, "unit: the run broke off with code 1"],
  ["a run that broke off", makeReport([passing], { finished: false }), 137, 2, "unit: the run broke off with code 137"],
  [
    "a file that never ended",
    makeReport([passing], { finished: false, expected: ["a.test.ts", "b.test.ts"] }),
    137,
    2,
    "b.test.ts: did not end",
  ],
  [
    "a bad exit without a reason",
    makeReport([passing]),
    1,
    2,
    "unit: all tests passed, but the runner ended with code 1",
  ],
])("%s counts as failed", (_, report, exitCode, passed, problem) => {
  expect(countTests("unit", report, exitCode)).toEqual({ passed, failed: 1, problems: [problem] });
});

test("the closing line", () => {
  expect(formatCount({ passed: 3, failed: 1 })).toBe("3 passed, 1 failed");
});
