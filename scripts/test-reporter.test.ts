import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runProgram } from "./run-program.ts";
import { countTests, readReport } from "./test-report.ts";

const sources = {
  "a-good": 'test("one", () => {}); test("two", () => {});',
  "b-failed": 'test("fails", () => expect(1).toBe(2));',
  "c-skipped": 'test.skip("skipped", () => {}); test.todo("todo"); test("runs", () => {});',
  "d-no-load": 'import "./missing.ts"; test("never", () => {});',
  "e-empty": "export {};",
  "f-after-all": 'afterAll(() => { throw new Error("afterAll threw"); }); test("one", () => {});',
  "g-unhandled": 'test("one", () => { void Promise.reject(new Error("nobody awaited")); });',
};

let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "test-reporter-"));
  symlinkSync(join(dirname(import.meta.dirname), "node_modules"), join(directory, "node_modules"));
  for (const [name, source] of Object.entries(sources)) {
    writeFileSync(join(directory, `${name}.test.ts`), `import { afterAll, expect, test } from "vitest";\n${source}`);
  }
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

test("a real run is counted with everything that did not pass", { timeout: 60_000 }, async () => {
  const reportPath = join(directory, "report.json");
  const { code } = await runProgram(
    process.execPath,
    [
      join(directory, "node_modules", "vitest", "vitest.mjs"),
      "run",
      `--reporter=${join(import.meta.dirname, "test-reporter.ts")}`,
      `--outputFile=${reportPath}`,
    ],
    { cwd: directory, env: process.env, capture: true },
  );
  const { passed, problems } = countTests("unit", readReport(reportPath), code);
  expect(passed).toBe(5);
  expect(problems).toEqual([
    "b-failed.test.ts > fails: failed: expected 1 to be 2 // Object.is equality - 2 + 1",
    "c-skipped.test.ts > skipped: skipped",
    "c-skipped.test.ts > todo: skipped",
    expect.stringMatching(/^d-no-load\.test\.ts: .*missing\.ts/),
    expect.stringMatching(/^e-empty\.test\.ts: No test suite found/),
    "f-after-all.test.ts: afterAll threw",
    "unit: unhandled error: nobody awaited",
  ]);
});
