import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runProgram } from "./run-program.ts";

const root = dirname(import.meta.dirname);
let directory = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ci-run-"));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Runs `.ci/run` with an `npm` whose `run verify` and `test` do what is given in shell. */
async function runWith(verify: string, tests: string): Promise<{ code: number; lastLine: string | undefined }> {
  const npm = join(directory, "npm");
  writeFileSync(npm, `#!/bin/sh\ncase "$*" in\n"run verify") ${verify};;\ntest) ${tests};;\n*) exit 99;;\nesac\n`);
  chmodSync(npm, 0o755);
  const env = { ...process.env, PATH: `${directory}:${process.env["PATH"] ?? ""}` };
  const { code, output } = await runProgram("bash", [join(root, ".ci", "run")], { cwd: directory, env, capture: true });
  return { code, lastLine: output.trimEnd().split("\n").at(-1) };
}

test.each([
  ["both pass", 'echo "7 passed, 0 failed"', 'echo "40 passed, 0 failed"', "47 passed, 0 failed", 0],
  [
    "one counts failures",
    'echo "6 passed, 1 failed"; exit 1',
    'echo "40 passed, 2 failed"; exit 1',
    "46 passed, 3 failed",
    1,
  ],
  ["one crashes without a count", 'echo "7 passed, 0 failed"', "exit 3", "7 passed, 1 failed", 1],
  ["one says nothing", 'echo "7 passed, 0 failed"', "true", "7 passed, 1 failed", 1],
  [
    "one ends badly after a clean count",
    'echo "7 passed, 0 failed"; exit 1',
    'echo "2 passed, 0 failed"',
    "9 passed, 1 failed",
    1,
  ],
  [
    "the last count of a command is its own",
    'echo "1 passed, 9 failed"; echo "7 passed, 0 failed"',
    'echo "2 passed, 0 failed"',
    "9 passed, 0 failed",
    0,
  ],
  ["nothing was run", 'echo "0 passed, 0 failed"', 'echo "0 passed, 0 failed"', "0 passed, 0 failed", 1],
])("%s", async (_, verify, tests, lastLine, code) => {
  expect(await runWith(verify, tests)).toEqual({ code, lastLine });
});
