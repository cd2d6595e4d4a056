/** `npm test [-- unit|service|simulated|portal|readme|system [FILTER]]`: runs the suites one after another and counts everything that did not pass. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runProgram } from "./run-program.ts";
import { countTests, formatCount, readReport } from "./test-report.ts";
import type { TestReport } from "./test-report.ts";
import { testSuites } from "./test-suites.ts";

const root = dirname(import.meta.dirname);
const runner = join(root, "node_modules", "vitest", "vitest.mjs");
const slowestCount = 10;
const usage = "Usage: npm test [-- unit|service|simulated|portal|readme|system [part of a file's path]]";

function formatSeconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(2).padStart(8)} s`;
}

function printTimes(reports: readonly TestReport[]): void {
  const files = reports.flatMap((report) => report.files.toSorted((a, b) => (a.path < b.path ? -1 : 1)));
  console.log("\nTest files:");
  for (const { path, durationMs, tests } of files) {
    console.log(`${formatSeconds(durationMs)}  ${path} (${tests.length} tests)`);
  }
  const tests = files.flatMap(({ path, tests: cases }) => cases.map((test) => ({ ...test, path })));
  const slowest = tests.toSorted((a, b) => b.durationMs - a.durationMs).slice(0, slowestCount);
  console.log(`\nSlowest ${slowest.length} of ${tests.length} tests:`);
  for (const { path, name, durationMs } of slowest) console.log(`${formatSeconds(durationMs)}  ${path} > ${name}`);
}

async function main(args: readonly string[]): Promise<number> {
  const [wanted, ...filters] = args;
  const suites = testSuites.filter(({ name }) => wanted === undefined || wanted === name);
  if (suites.length === 0) {
    console.error(`Unknown suite "${wanted}". ${usage}`);
    return 1;
  }
  const directory = mkdtempSync(join(tmpdir(), "pilothouse-test-"));
  const reports: TestReport[] = [];
  const problems: string[] = [];
  let passed = 0;
  try {
    for (const { name } of suites) {
      const reportPath = join(directory, `${name}.json`);
      const reporters = ["--reporter=default", "--reporter=./scripts/test-reporter.ts", `--outputFile=${reportPath}`];
      const { code } = await runProgram(
        process.execPath,
        [runner, "run", "--project", name, ...reporters, ...filters],
        {
          cwd: root,
          env: process.env,
          capture: false,
        },
      );
      const report = readReport(reportPath);
      const count = countTests(name, report, code);
      passed += count.passed;
      problems.push(...count.problems);
      if (report !== undefined) reports.push(report);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  printTimes(reports);
  if (problems.length > 0) console.log(["\nNot passed:", ...problems].join("\n  "));
  console.log(`\n${formatCount({ passed, failed: problems.length })}`);
  return problems.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
