import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer } from "vitest/node";
import type { TestSpecification } from "vitest/node";
import { testSuites } from "./scripts/test-suites.ts";

const minuteMs = 60_000;

/** What is measured against time on a fleet comes last, when the lane beside it has ended. */
const comesLast = /\/service-\w+\.test\.ts$/;

/** Runs files in one order, so that a run can be repeated as it was. */
class FixedOrderSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const keyOf = ({ moduleId }: TestSpecification): string => `${comesLast.test(moduleId) ? 1 : 0} ${moduleId}`;
    return files.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }
}

const onFleet = { testTimeout: 10 * minuteMs, hookTimeout: 10 * minuteMs, fileParallelism: false };

const limits = {
  // On two processors vitest would leave one idle.
  unit: { testTimeout: 10_000, hookTimeout: 10_000, maxWorkers: Math.max(2, availableParallelism() - 1) },
  service: {
    testTimeout: minuteMs,
    hookTimeout: minuteMs,
    maxWorkers: 2,
    globalSetup: ["packages/core/tests/support/service-setup.ts", "apps/web/tests/support/build-web.ts"],
  },
  simulated: {
    testTimeout: 2 * minuteMs,
    hookTimeout: 2 * minuteMs,
    fileParallelism: false,
    env: { PILOTHOUSE_TEST_GROUND: "simulated" },
    globalSetup: ["e2e/tests/support/simulation-setup.ts"],
  },
  portal: { testTimeout: minuteMs, hookTimeout: 5 * minuteMs, fileParallelism: false },
  readme: { testTimeout: 5 * minuteMs, hookTimeout: 5 * minuteMs, fileParallelism: false },
  fleets: onFleet,
  small: {
    ...onFleet,
    env: { PILOTHOUSE_TEST_TOPOLOGY: "small" },
    globalSetup: ["e2e/tests/support/small-fleet-setup.ts"],
  },
  system: { ...onFleet, globalSetup: ["e2e/tests/support/fleet-setup.ts"] },
};

export default defineConfig({
  test: {
    allowOnly: false,
    sequence: { sequencer: FixedOrderSequencer },
    projects: testSuites.map(({ name, include, exclude = [] }) => ({
      test: { name, include: [...include], exclude: [...exclude], environment: "node" as const, ...limits[name] },
    })),
  },
});
