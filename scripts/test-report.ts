import { existsSync, readFileSync } from "node:fs";

/** What one run of a suite did, as the reporter writes it after every file. */
export interface TestReport {
  /** False until the run has ended by itself. */
  finished: boolean;
  /** Files that the run set out to run, from the repository's root. */
  expected: string[];
  files: TestFileReport[];
  /** Errors that belong to no file, such as rejections nobody awaited. */
  unhandledErrors: string[];
}

export interface TestFileReport {
  path: string;
  durationMs: number;
  tests: TestCaseReport[];
  /** Errors outside tests: the file did not load, a `beforeAll` or `afterAll` failed. */
  errors: string[];
}

export interface TestCaseReport {
  name: string;
  state: "passed" | "failed" | "skipped" | "pending";
  durationMs: number;
  /** Why it failed, on one line. */
  reason?: string;
}

export interface TestCount {
  passed: number;
  failed: number;
  /** One line for everything that counts as failed. */
  problems: string[];
}

/** Reads the report of a run; undefined if the run wrote none. */
export function readReport(path: string): TestReport | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- scripts/test-reporter.ts wrote the file
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as TestReport) : undefined;
}

/**
 * Counts a run so that nothing is skipped silently: a test counts as passed only if it ran and passed. Skipped tests, files
 * that did not load or hold no test, errors outside tests, a suite without files, and a run that ended early or badly
 * without saying why each count as failed.
 *
 * @param report what the reporter wrote, or undefined if it wrote nothing
 * @param exitCode how the runner's process ended
 */
export function countTests(suite: string, report: TestReport | undefined, exitCode: number): TestCount {
  const problems: string[] = [];
  let passed = 0;
  for (const file of report?.files ?? []) {
    for (const { name, state, reason } of file.tests) {
      if (state === "passed") passed += 1;
      else problems.push(`${file.path} > ${name}: ${state}${reason === undefined ? "" : `: ${reason}`}`);
    }
    problems.push(...file.errors.map((error) => `${file.path}: ${error}`));
    if (file.tests.length === 0 && file.errors.length === 0) problems.push(`${file.path}: holds no test`);
  }
  const ended = new Set(report?.files.map(({ path }) => path));
  for (const path of report?.expected ?? []) if (!ended.has(path)) problems.push(`${path}: did not end`);
  problems.push(...(report?.unhandledErrors ?? []).map((error) => `${suite}: unhandled error: ${error}`));
  if (problems.length === 0) {
    if (report?.finished !== true) problems.push(`${suite}: the run broke off with code ${exitCode}`);
    else if (report.files.length === 0) problems.push(`${suite}: no test file found`);
    else if (exitCode !== 0) problems.push(`${suite}: all tests passed, but the runner ended with code ${exitCode}`);
  }
  return { passed, failed: problems.length, problems };
}

/** The closing line that other programs read: `N passed, N failed`. */
export function formatCount({ passed, failed }: { passed: number; failed: number }): string {
  return `${passed} passed, ${failed} failed`;
}
