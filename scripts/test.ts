/** `npm test [-- unit|service|readme|simulated|portal|fleets|small|system [FILTER]]`: runs the suites and counts everything that did not pass. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { chooseProcessors } from "./choose-processors.ts";
import { runProgram } from "./run-program.ts";
import { countTests, formatCount, readReport } from "./test-report.ts";
import type { TestCount, TestReport } from "./test-report.ts";
import { narrowRounds, planRounds, usesBrowser, usesFleets } from "./test-suites.ts";
import type { SuiteName, TestRound } from "./test-suites.ts";

const root = dirname(import.meta.dirname);
const runner = join(root, "node_modules", "vitest", "vitest.mjs");
const machineCheck = join(root, "e2e", "tests", "support", "machine-check.ts");
const browserCheck = join(root, "e2e", "tests", "support", "browser-check.ts");
const buildWeb = join(root, "scripts", "build-web.ts");
const slowestCount = 10;
const usage = "Usage: npm test [-- unit|service|readme|simulated|portal|fleets|small|system [part of a file's path]]";

const environment = {
  ...process.env,
  // Tests start hundreds of programs: compiled once, each starts in half of the time.
  NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? join(root, "node_modules", ".cache", "compiled"),
  // What the other lane starts is below this process, too, and no trace of a test's own.
  PILOTHOUSE_TEST_RUN: String(process.pid),
};

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

interface SuiteRun {
  report: TestReport | undefined;
  count: TestCount;
}

interface RunContext {
  /** Where reports are kept until they are counted. */
  directory: string;
  filters: readonly string[];
}

/** How a suite is run beside others. */
interface Place {
  /** Whether its output needs no name: no other suite writes at the same time. */
  isAlone: boolean;
  /** Begins the command, where it does not have the whole machine. */
  prefix: readonly string[];
}

async function runSuite(
  name: SuiteName,
  { directory, filters }: RunContext,
  { isAlone, prefix }: Place,
): Promise<SuiteRun> {
  const reportPath = join(directory, `${name}.json`);
  const reporters = ["--reporter=default", "--reporter=./scripts/test-reporter.ts", `--outputFile=${reportPath}`];
  const [file = "", ...args] = [
    ...prefix,
    process.execPath,
    runner,
    "run",
    "--project",
    name,
    ...reporters,
    ...filters,
  ];
  const { code } = await runProgram(file, args, {
    cwd: root,
    env: environment,
    capture: !isAlone,
    ...(isAlone ? {} : { onLine: (line: string) => console.log(`${name.padEnd(9)} | ${line}`) }),
  });
  const report = readReport(reportPath);
  return { report, count: countTests(name, report, code) };
}

/** Runs the lanes side by side, and answers in the order in which they are written down. */
async function runRound(round: TestRound, context: RunContext): Promise<SuiteRun[]> {
  const isAlone = round.length === 1;
  const lanes = round.map(async (lane, index) => {
    const runs: SuiteRun[] = [];
    const prefix = index === 0 ? [] : chooseProcessors(readFileSync("/proc/self/status", "utf8"));
    for (const name of lane) runs.push(await runSuite(name, context, { isAlone, prefix }));
    return runs;
  });
  return (await Promise.all(lanes)).flat();
}

/** Runs a program that is no suite. @returns one line that says `problem` when it fails */
async function runStep(problem: string, ...args: string[]): Promise<string[]> {
  const { code } = await runProgram(process.execPath, args, { cwd: root, env: environment, capture: false });
  return code === 0 ? [] : [`${problem}: see above`];
}

/** Runs a round and, where it takes fleets, looks at the machine before the first of them and after the last. */
async function runWholeRound(round: TestRound, context: RunContext, problems: string[]): Promise<SuiteRun[]> {
  // Both lanes need it, and two builds at a time refuse each other.
  if (round.length > 1) problems.push(...(await runStep("the portal can't be built", buildWeb)));
  const snapshot = join(context.directory, "machine.json");
  // A fleet that somebody named stays up.
  const isChecked = usesFleets(round) && process.env["PILOTHOUSE_TEST_FLEET"] === undefined;
  if (isChecked) problems.push(...(await runStep("the machine can't be looked at", machineCheck, "take", snapshot)));
  const runs = await runRound(round, context);
  if (isChecked) problems.push(...(await runStep("the machine is not as it was", machineCheck, "compare", snapshot)));
  return runs;
}

async function main(args: readonly string[]): Promise<number> {
  const [wanted, ...filters] = args;
  const rounds = narrowRounds(planRounds(wanted), filters, root);
  if (rounds.length === 0) {
    console.error(`Unknown suite "${wanted}". ${usage}`);
    return 1;
  }
  // Told before the first test, not after half an hour of others.
  if (rounds.some(usesBrowser) && (await runStep("there is no browser", browserCheck)).length > 0) {
    console.log(`\n${formatCount({ passed: 0, failed: 1 })}`);
    return 1;
  }
  const context = { directory: mkdtempSync(join(tmpdir(), "pilothouse-test-")), filters };
  const runs: SuiteRun[] = [];
  const problems: string[] = [];
  try {
    for (const round of rounds) runs.push(...(await runWholeRound(round, context, problems)));
  } finally {
    rmSync(context.directory, { recursive: true, force: true });
  }
  problems.unshift(...runs.flatMap(({ count }) => count.problems));
  const passed = runs.reduce((sum, { count }) => sum + count.passed, 0);
  printTimes(runs.flatMap(({ report }) => (report === undefined ? [] : [report])));
  if (problems.length > 0) console.log(["\nNot passed:", ...problems].join("\n  "));
  console.log(`\n${formatCount({ passed, failed: problems.length })}`);
  return problems.length === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
