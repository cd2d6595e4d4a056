import { matchesGlob } from "node:path";

/** A suite of `npm test`: the name to ask for it by, and where its files are. */
export interface TestSuite {
  name: "unit" | "service" | "simulated" | "portal" | "readme" | "system";
  include: readonly string[];
}

/**
 * The suites in the order in which `npm test` runs them: `unit` needs nothing, `service` starts a Postgres and a Redis, `simulated`
 * the clusters of a simulation, `portal` those and a Chromium, `readme` does in a copy of the repository what the documents say, with the fleet that
 * `npm run up` starts, and `system` needs a fleet of its own: two such fleets at a time are more than a usual kernel's limits carry. Files of `simulated` are files of `system` too: what passes on real clusters has to pass on simulated ones.
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
  { name: "system", include: ["e2e/tests/*.test.ts", "packages/{fleet,provisioner}/tests/**/*.test.ts"] },
];

/** Returns a line for each of `paths` that looks like a test file but is in no suite, and so would never run. */
export function findStrayTests(paths: readonly string[]): string[] {
  const patterns = testSuites.flatMap(({ include }) => include);
  return paths
    .filter((path) => /\.(test|spec)\.[cm]?[jt]sx?$/.test(path))
    .filter((path) => !patterns.some((pattern) => matchesGlob(path, pattern)))
    .map((path) => `${path}: belongs to no suite in scripts/test-suites.ts, so it would never run`);
}
