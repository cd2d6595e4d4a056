import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Reporter, SerializedError, TestCase, TestModule, TestSpecification, Vitest } from "vitest/node";
import type { TestFileReport, TestReport } from "./test-report.ts";

/**
 * A vitest reporter that writes a TestReport as JSON to vitest's `--outputFile`, anew after every file: what is known
 * survives a run that is killed.
 */
class TestReportWriter implements Reporter {
  #outputPath: string | undefined;
  readonly #report: TestReport = { finished: false, expected: [], files: [], unhandledErrors: [] };

  onInit(vitest: Vitest): void {
    const { outputFile } = vitest.config;
    if (typeof outputFile !== "string") throw new TypeError("test-reporter needs --outputFile=PATH");
    this.#outputPath = outputFile;
  }

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#report.expected = specifications.map(describePath);
    this.#write();
  }

  onTestModuleEnd(testModule: TestModule): void {
    this.#report.files.push(describeModule(testModule));
    this.#write();
  }

  onTestRunEnd(testModules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    this.#report.files = testModules.map(describeModule);
    this.#report.unhandledErrors = unhandledErrors.map(({ message }) => message);
    this.#report.finished = true;
    this.#write();
  }

  #write(): void {
    if (this.#outputPath !== undefined) writeFileSync(this.#outputPath, JSON.stringify(this.#report));
  }
}

export default TestReportWriter;

function describePath({ moduleId, project }: TestModule | TestSpecification): string {
  return relative(project.vitest.config.root, moduleId);
}

function describeModule(testModule: TestModule): TestFileReport {
  const suites = [testModule, ...testModule.children.allSuites()];
  return {
    path: describePath(testModule),
    durationMs: testModule.diagnostic().duration,
    tests: [...testModule.children.allTests()].map((test) => ({
      name: test.fullName,
      state: test.result().state,
      durationMs: test.diagnostic()?.duration ?? 0,
      ...describeReason(test),
    })),
    errors: suites.flatMap((suite) => suite.errors().map(({ message }) => message)),
  };
}

/** What remains of a run may be its summary alone, so that has to tell one failure of a test from another. */
const reasonLimit = 600;

function describeReason(test: TestCase): { reason?: string } {
  const { state, errors } = test.result();
  if (state !== "failed") return {};
  const reason = (errors ?? []).flatMap(({ message, diff }) => [message, ...listDifferences(diff)]).join(" ");
  return { reason: stripVTControlCharacters(reason).replaceAll(/\s+/g, " ").slice(0, reasonLimit) };
}

/** A message shortens the values that it compares; the lines in which they differ do not. */
function listDifferences(diff: string | undefined): string[] {
  const lines = stripVTControlCharacters(diff ?? "").split("\n");
  return lines.filter((line) => /^[+-] (?!Expected|Received)/.test(line));
}
