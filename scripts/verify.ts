/** `npm run verify`: everything that can be checked without a cluster; one line per check, and the output of what failed. */
import { dirname, join } from "node:path";
import { checkConfiguration } from "./check-configuration.ts";
import { checkDocs } from "./check-docs.ts";
import { checkImports } from "./check-imports.ts";
import { checkLock } from "./check-lock.ts";
import { listFiles } from "./list-files.ts";
import { runProgram } from "./run-program.ts";
import { formatCount } from "./test-report.ts";
import { findStrayTests } from "./test-suites.ts";

const root = dirname(import.meta.dirname);
const checkTimeoutMs = 5 * 60_000;
const concurrency = 2;

const toolEnvironment = { DO_NOT_TRACK: "1", TURBO_TELEMETRY_DISABLED: "1", npm_config_loglevel: "silent" };

interface CheckResult {
  passed: boolean;
  output: string;
}

interface Check {
  name: string;
  run: () => CheckResult | Promise<CheckResult>;
}

async function runTool(name: string, args: readonly string[]): Promise<CheckResult> {
  const { code, output } = await runProgram(join(root, "node_modules", ".bin", name), args, {
    cwd: root,
    env: { ...process.env, ...toolEnvironment },
    capture: true,
    timeoutMs: checkTimeoutMs,
  });
  return { passed: code === 0, output: code === 0 ? output : `${output}\n${name} ended with code ${code}` };
}

function collectProblems(problems: readonly string[]): CheckResult {
  return { passed: problems.length === 0, output: problems.join("\n") };
}

const typecheck = [
  "run",
  "typecheck",
  "--continue=always",
  "--output-logs=errors-only",
  "--ui=stream",
  "--no-update-notifier",
];

/** Longest first, so that the two at a time end together. */
const checks: readonly Check[] = [
  { name: "lint", run: () => runTool("oxlint", ["--type-aware", "--deny-warnings", "--format=unix"]) },
  { name: "types", run: () => runTool("turbo", typecheck) },
  { name: "unused code (knip)", run: () => runTool("knip", ["--no-progress"]) },
  { name: "format", run: () => runTool("oxfmt", ["--check"]) },
  { name: "import directions", run: () => collectProblems(checkImports(root)) },
  { name: "references in docs", run: () => collectProblems([...checkDocs(root), ...checkConfiguration(root)]) },
  { name: "lock file", run: () => collectProblems(checkLock(root)) },
  { name: "tests in a suite", run: () => collectProblems(findStrayTests(listFiles(root, [".ts", ".tsx"]))) },
];

async function runCheck({ name, run }: Check): Promise<boolean> {
  const startMs = performance.now();
  let result: CheckResult;
  try {
    result = await run();
  } catch (error) {
    result = { passed: false, output: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${result.passed ? "passed" : "FAILED"}  ${seconds.padStart(5)} s  ${name}`);
  if (!result.passed) console.log(result.output.trim().replaceAll(/^/gm, "    "));
  return result.passed;
}

async function main(): Promise<number> {
  const waiting = [...checks];
  let passed = 0;
  let failed = 0;
  const work = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      if (await runCheck(check)) passed += 1;
      else failed += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  console.log(formatCount({ passed, failed }));
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
