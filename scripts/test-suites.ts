import { globSync } from "node:fs";
import { matchesGlob } from "node:path";

/** A suite of `npm test`: the name to ask for it by, and where its files are. */
export interface TestSuite {
  name: SuiteName;
  include: readonly string[];
  exclude?: readonly string[];
}

export type SuiteName = "unit" | "service" | "readme" | "simulated" | "portal" | "fleets" | "small" | "system";

/** Files that bring up and take down fleets themselves. */
const ownFleets = "e2e/tests/{fleet-lifecycle,up}.test.ts";
/** Files for which two mesh clusters and one istiod cluster are enough. */
const onSmallFleet = "e2e/tests/{bad-kubeconfigs,isolation,portal-fleet,refused-calls,replicas,what-stays}.test.ts";

/**
 * All suites: `unit` needs nothing, `service` starts a Postgres and a Redis, `readme` does in a copy of the repository what the documents say, with the
 * fleet that `npm run up` starts, `simulated` has the clusters of a simulation, `portal` those and a Chromium, `fleets` fleets of its files' own,
 * `small` a fleet with as little as its files need, `system` the default fleet. Files of `simulated` are files of `system` too: what passes on real
 * clusters has to pass on simulated ones.
 */
export const testSuites: readonly TestSuite[] = [
  { name: "unit", include: ["{apps,packages}/*/src/**/*.test.ts", "scripts/**/*.test.ts"] },
  { name: "service", include: ["apps/*/tests/**/*.test.ts", "packages/core/tests/**/*.test.ts"] },
  {
    name: "simulated",
    include: ["e2e/tests/{bad-kubeconfigs,provision-lifecycle,refused-calls,version-skew,what-stays}.test.ts"],
  },
  { name: "portal", include: ["e2e/tests/portal/*.test.ts"] },
  { name: "readme", include: ["e2e/tests/readme/*.test.ts"] },
  { name: "fleets", include: [ownFleets] },
  { name: "small", include: [onSmallFleet] },
  {
    name: "system",
    include: ["e2e/tests/*.test.ts", "packages/{fleet,provisioner}/tests/**/*.test.ts"],
    exclude: [ownFleets, onSmallFleet],
  },
];

/** What is asked for by the name of `system`: everything that takes a fleet. */
const takesFleet = new Set<SuiteName>(["fleets", "small", "system"]);

/**
 * Lanes that go on side by side, each a list of suites one after another. The second lane has one half of the processors, so that what the first
 * measures against time has the other half whatever goes on beside it.
 */
export type TestRound = readonly (readonly SuiteName[])[];

/** What `npm test` runs, round after round. Tests on fleets wait more than they compute: they can share a machine. */
const testRounds: readonly TestRound[] = [
  [["unit"]],
  [["service"]],
  // Two default fleets at a time are more than a usual kernel's limits carry.
  [["readme"]],
  [["system"], ["portal", "simulated", "small", "fleets"]],
];

/** The rounds of all suites, or of those that go by the name of `wanted`; none when it is no suite's name. */
export function planRounds(wanted: string | undefined): TestRound[] {
  const isWanted = (name: SuiteName): boolean =>
    wanted === undefined || wanted === name || (wanted === "system" && takesFleet.has(name));
  return testRounds
    .map((round) => round.map((lane) => lane.filter(isWanted)).filter((lane) => lane.length > 0))
    .filter((round) => round.length > 0);
}

/** Whether a round leaves traces on the machine, unless it takes them away again. */
export const usesFleets = (round: TestRound): boolean =>
  round.flat().some((name) => name === "readme" || takesFleet.has(name));

/** Whether a round looks at the portal as a person does. */
export const usesBrowser = (round: TestRound): boolean =>
  round.flat().some((name) => name === "portal" || name === "small");

/** Leaves out of `rounds` the suites without a file whose path contains one of `filters`; of none that has any, nothing. */
export function narrowRounds(rounds: readonly TestRound[], filters: readonly string[], root: string): TestRound[] {
  if (filters.length === 0) return [...rounds];
  const parts = filters.map((filter) => filter.replace(/^\.\//, "").replace(/:\d+$/, ""));
  const hasFile = (name: SuiteName): boolean =>
    listFiles(name, root).some((path) => parts.some((part) => path.includes(part)));
  const narrowed = rounds
    .map((round) => round.map((lane) => lane.filter(hasFile)).filter((lane) => lane.length > 0))
    .filter((round) => round.length > 0);
  return narrowed.length > 0 ? narrowed : [...rounds];
}

function listFiles(name: SuiteName, root: string): string[] {
  const suites = testSuites.filter((suite) => suite.name === name);
  return suites.flatMap(({ include, exclude = [] }) => globSync([...include], { cwd: root, exclude: [...exclude] }));
}

/** Returns a line for each of `paths` that looks like a test file but is in no suite, and so would never run. */
export function findStrayTests(paths: readonly string[]): string[] {
  const patterns = testSuites.flatMap(({ include }) => include);
  return paths
    .filter((path) => /\.(test|spec)\.[cm]?[jt]sx?$/.test(path))
    .filter((path) => !patterns.some((pattern) => matchesGlob(path, pattern)))
    .map((path) => `${path}: belongs to no suite in scripts/test-suites.ts, so it would never run`);
}
