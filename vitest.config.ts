import { defineConfig } from "vitest/config";
import { BaseSequencer } from "vitest/node";
import type { TestSpecification } from "vitest/node";
import { testSuites } from "./scripts/test-suites.ts";

const minuteMs = 60_000;

/** Runs files in the order of their names, so that a run can be repeated as it was. */
class NameOrderSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1));
  }
}

const limits = {
  unit: { testTimeout: 10_000, hookTimeout: 10_000 },
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
  system: {
    testTimeout: 10 * minuteMs,
    hookTimeout: 10 * minuteMs,
    fileParallelism: false,
    globalSetup: ["e2e/tests/support/fleet-setup.ts"],
  },
};

export default defineConfig({
  test: {
    allowOnly: false,
    sequence: { sequencer: NameOrderSequencer },
    projects: testSuites.map(({ name, include }) => ({
      test: { name, include: [...include], environment: "node" as const, ...limits[name] },
    })),
  },
});
