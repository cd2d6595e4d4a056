import { matchesGlob } from "node:path";
import { expect, test } from "vitest";
import { findStrayTests, testSuites } from "./test-suites.ts";

test("a test file outside every suite is reported", () => {
  const strays = findStrayTests([
    "packages/fleet/src/plan.test.ts",
    "packages/fleet/tests/up.test.ts",
    "packages/core/tests/up.test.ts",
    "apps/web/src/server/a.test.ts",
    "apps/web/tests/a.test.ts",
    "e2e/tests/a/connect.test.ts",
    "scripts/a.test.ts",
    "e2e/src/main-job.ts",
    "e2e/src/main-job.test.ts",
    "packages/fleet/src/plan.spec.ts",
    "tests/a.test.ts",
  ]);
  expect(strays.map((line) => line.split(":")[0])).toEqual([
    "e2e/src/main-job.test.ts",
    "packages/fleet/src/plan.spec.ts",
    "tests/a.test.ts",
  ]);
});

test("no test file is in two suites", () => {
  const paths = [
    "packages/core/src/a.test.ts",
    "packages/core/tests/a.test.ts",
    "apps/web/src/a.test.ts",
    "e2e/tests/a.test.ts",
  ];
  for (const path of paths) {
    const names = testSuites.filter(({ include }) => include.some((pattern) => matchesGlob(path, pattern)));
    expect(names).toHaveLength(1);
  }
});
