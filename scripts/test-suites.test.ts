import { dirname, matchesGlob } from "node:path";
import { expect, test } from "vitest";
import { findStrayTests, narrowRounds, planRounds, testSuites, usesBrowser, usesFleets } from "./test-suites.ts";

test("a test file outside every suite is reported", () => {
  const strays = findStrayTests([
    "packages/fleet/src/plan.test.ts",
    "packages/fleet/tests/up.test.ts",
    "packages/core/tests/up.test.ts",
    "apps/web/src/server/a.test.ts",
    "apps/web/tests/a.test.ts",
    "e2e/tests/portal/connect.test.ts",
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
    "e2e/tests/up.test.ts",
    "e2e/tests/portal-fleet.test.ts",
    "e2e/tests/portal/a.test.ts",
  ];
  for (const path of paths) {
    const isIn = (patterns: readonly string[]): boolean => patterns.some((pattern) => matchesGlob(path, pattern));
    const suites = testSuites.filter(({ include, exclude = [] }) => isIn(include) && !isIn(exclude));
    expect([path, suites]).toEqual([path, [expect.anything()]]);
  }
});

const root = dirname(import.meta.dirname);

test("every suite is in one round, and can be asked for by its name", () => {
  const names = planRounds(undefined).flat(2);
  expect(names.toSorted()).toEqual(testSuites.map(({ name }) => name).toSorted());
  for (const name of names.filter((one) => one !== "system")) expect(planRounds(name)).toEqual([[[name]]]);
  expect(planRounds("nothing")).toEqual([]);
});

test("who asks for the whole system gets everything that takes a fleet, and of that what has a file of the name", () => {
  const rounds = planRounds("system");
  expect(rounds).toEqual([[["system"], ["small", "fleets"]]]);
  expect(rounds.map(usesFleets)).toEqual([true]);
  expect(["portal", "readme"].flatMap(planRounds).map(usesFleets)).toEqual([false, true]);
  expect(["service", "portal", "small", "system"].map((name) => planRounds(name).some(usesBrowser))).toEqual([
    false,
    true,
    true,
    true,
  ]);
  expect(narrowRounds(rounds, [], root)).toEqual(rounds);
  expect(narrowRounds(rounds, ["main-job"], root)).toEqual([[["system"]]]);
  expect(narrowRounds(rounds, ["./e2e/tests/up.test.ts:12"], root)).toEqual([[["fleets"]]]);
  expect(narrowRounds(rounds, ["up.test", "main-job"], root)).toEqual([[["system"], ["fleets"]]]);
  // What matches nothing is the runner's to say.
  expect(narrowRounds(rounds, ["no-such-file"], root)).toEqual(rounds);
});
