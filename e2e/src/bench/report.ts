import type { LineMeasurement } from "./measure-line.ts";
import { calculateMedian, type StepSummary, summarizeSteps, summarizeValues, type TimedRun } from "./statistics.ts";

/** The machine and the day, as far as they are worth knowing: nothing that names the machine. */
export interface Surroundings {
  /** As `2026-11-22`. */
  date: string;
  cores: number;
  memoryBytes: number;
  /** As `linux x64`. */
  platform: string;
  node: string;
  /** Processes that wanted to run, averaged over the minute before the first run and over the last minute. */
  load: { before: number; after: number };
}

/** Pilothouse's time by the script's, in several ways of looking at it. */
export interface Ratios {
  ofMedians: number;
  medianOfPairs: number;
  /** Of the medians, when the script's step for the definitions counts for nothing. */
  withoutDefinitions: number;
}

const definitionsStep = "definitions applied";

/** Relates a line's runs. */
export function calculateRatios({ pilothouse, byHand }: LineMeasurement): Ratios {
  const median = (runs: readonly { totalMs: number }[]): number => calculateMedian(runs.map((run) => run.totalMs));
  const rest = byHand.map((run) => ({ totalMs: run.totalMs - measureStep(run, definitionsStep) }));
  return {
    ofMedians: median(pilothouse) / median(byHand),
    withoutDefinitions: median(pilothouse) / median(rest),
    medianOfPairs: calculateMedian(
      pilothouse.map((run, index) => run.totalMs / (byHand[index]?.totalMs ?? Number.NaN)),
    ),
  };
}

/** More than this is a failure of the benchmark: product rule, as the aim is. */
const mostRatio = 2;
const aimedRatio = 1.3;

/** Says of a ratio of medians whether it is allowed, and how it stands to the aim. What is no number is not allowed. */
export function judgeRatio(ratio: number): { isAllowed: boolean; words: string } {
  if (ratio <= aimedRatio) return { isAllowed: true, words: "as aimed for" };
  if (ratio <= mostRatio) return { isAllowed: true, words: `allowed, ${aimedRatio} is the aim` };
  return { isAllowed: false, words: `too slow, at most ${mostRatio} is allowed` };
}

/** How long a step of one run took: the time since the step before it. */
function measureStep({ steps }: TimedRun, name: string): number {
  const atMs = steps.get(name);
  if (atMs === undefined) throw new Error(`by-hand.sh has no step "${name}" any more`);
  return atMs - Math.max(0, ...[...steps.values()].filter((other) => other < atMs));
}

/** A Markdown table, padded as the formatter wants it; all columns but the first are numbers. */
function buildTable(head: string[], rows: string[][]): string {
  const widths = head.map((_, column) => Math.max(4, ...[head, ...rows].map((row) => (row[column] ?? "").length)));
  const pad = (row: string[]): string =>
    `| ${widths.map((width, column) => (column === 0 ? (row[column] ?? "").padEnd(width) : (row[column] ?? "").padStart(width))).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [pad(head), rule, ...rows.map(pad)].join("\n");
}

const ms = (value: number): string => `${Math.round(value)} ms`;

function buildTotals(measurement: LineMeasurement): string {
  const row = (name: string, runs: readonly { totalMs: number }[]): string[] => {
    const { p50, p95, min, max } = summarizeValues(runs.map((run) => run.totalMs));
    return [name, ms(p50), ms(p95), ms(min), ms(max)];
  };
  return buildTable(
    ["", "p50", "p95", "min", "max"],
    [row("Pilothouse, connect to proven", measurement.pilothouse), row("By hand, no proof", measurement.byHand)],
  );
}

function buildSteps(who: string, steps: StepSummary[]): string {
  return buildTable(
    [who, "after the step before", "after the start"],
    steps.map(({ name, tookMs, atMs }) => [name, ms(tookMs), ms(atMs)]),
  );
}

/** What is written of a line: Markdown, without a heading's surroundings. */
export function buildLineReport(measurement: LineMeasurement, surroundings: Surroundings): string {
  const { line, pilothouse, byHand } = measurement;
  const { date, cores, memoryBytes, platform, node, load } = surroundings;
  const { ofMedians, medianOfPairs, withoutDefinitions } = calculateRatios(measurement);
  const proofs = [...(pilothouse[0]?.proofsMs.keys() ?? [])].map(
    (name) => `${name} ${ms(calculateMedian(pilothouse.map((run) => run.proofsMs.get(name) ?? Number.NaN)))}`,
  );
  return [
    `### Istio ${line}`,
    `${date}; ${pilothouse.length} runs of each; ${cores} cores, ${Math.round(memoryBytes / 2 ** 30)} GiB of memory, ${platform}, load ${load.before.toFixed(1)} before and ${load.after.toFixed(1)} after. ` +
      `istiod ${measurement.istio}, Kubernetes ${measurement.kubernetes}, Helm ${measurement.helm}, kubectl ${measurement.kubectl}, Node ${node}.`,
    `**Ratio ${ofMedians.toFixed(2)}** (of the medians; median of the pairs' ratios ${medianOfPairs.toFixed(2)}; without the script's step for the definitions ${withoutDefinitions.toFixed(2)}).`,
    buildTotals(measurement),
    buildSteps("Step of Pilothouse", summarizeSteps(pilothouse)),
    `The proofs of the last step, which run at the same time: ${proofs.join(", ")}.`,
    buildSteps("Step by hand", summarizeSteps(byHand)),
    `What the script made answered all four proofs ${ms(measurement.byHandProvenAfterMs)} after its end (checked once, not part of the times above).`,
  ].join("\n\n");
}

/**
 * Puts a line's report between its markers (`<!-- bench 1.32 -->` and `<!-- /bench 1.32 -->`).
 *
 * @throws Error when the document has no such markers
 */
export function replaceLineReport(document: string, line: string, report: string): string {
  const [open, close] = [`<!-- bench ${line} -->`, `<!-- /bench ${line} -->`];
  const start = document.indexOf(open);
  const end = document.indexOf(close);
  if (start === -1 || end < start)
    throw new Error(`the document has no place for line ${line}: put ${open} and ${close} where its numbers belong`);
  return `${document.slice(0, start)}${open}\n\n${report}\n\n${document.slice(end)}`;
}
