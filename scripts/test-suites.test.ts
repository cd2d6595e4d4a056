import { expect, test } from "vitest";
import { findStrayTests } from "./test-suites.ts";

test("a test file outside every suite is reported", () => {
  const strays = findStrayTests([
    "packages/fleet/src/plan.test.ts",
    "packages/fleet/tests/up.test.ts",
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
