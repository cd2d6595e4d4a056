import { buildTable, replaceSection } from "../document.ts";
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

/** The time of one of Pilothouse's sides by the script's, in several ways of looking at it. */
export interface Ratios {
  /** What is judged: each run by the script's of the same round, and of these the median. */
  medianOfPairs: number;
  ofMedians: number;
  /** Of the medians, when the script's step for the definitions counts for nothing. */
  withoutDefinitions: number;
}

const definitionsStep = "definitions applied";

/** Relates runs to the script's of the same rounds. */
export function calculateRatios(ours: readonly Pick<TimedRun, "totalMs">[], byHand: LineMeasurement["byHand"]): Ratios {
  const median = (runs: readonly { totalMs: number }[]): number => calculateMedian(runs.map((run) => run.totalMs));
  const rest = byHand.map((run) => ({ totalMs: run.totalMs - measureStep(run, definitionsStep) }));
  return {
    medianOfPairs: calculateMedian(ours.map((run, index) => run.totalMs / (byHand[index]?.totalMs ?? Number.NaN))),
    ofMedians: median(ours) / median(byHand),
    withoutDefinitions: median(ours) / median(rest),
  };
}

/** What a side may take at most, and is to take: product rules. */
export interface Rule {
  mostRatio: number;
  aimedRatio: number;
  /** Median in milliseconds, whatever the script takes. */
  mostP50Ms?: number;
}

export const rules = {
  provisioner: { mostRatio: 2, aimedRatio: 1.3 },
  service: { mostRatio: 2.2, aimedRatio: 1.5, mostP50Ms: 12_000 },
} as const satisfies Record<string, Rule>;

export type Verdict = "as aimed for" | "met" | "missed";

/** Judges a side by its rule. What is no number is missed. */
export function judge({ ratio, p50Ms }: { ratio: number; p50Ms: number }, rule: Rule): Verdict {
  const isFastEnough = rule.mostP50Ms === undefined || p50Ms < rule.mostP50Ms;
  if (!isFastEnough || !(ratio <= rule.mostRatio)) return "missed";
  return ratio <= rule.aimedRatio ? "as aimed for" : "met";
}

/** One of Pilothouse's sides, judged. */
export interface SideVerdict {
  side: keyof typeof rules;
  ratio: number;
  p50Ms: number;
  verdict: Verdict;
}

/** Judges both of Pilothouse's sides of a line. */
export function judgeLine(measurement: LineMeasurement): SideVerdict[] {
  return (["provisioner", "service"] as const).map((side) => {
    const runs = measurement[side];
    const ratio = calculateRatios(runs, measurement.byHand).medianOfPairs;
    const p50Ms = calculateMedian(runs.map(({ totalMs }) => totalMs));
    return { side, ratio, p50Ms, verdict: judge({ ratio, p50Ms }, rules[side]) };
  });
}

/** How long a step of one run took: the time since the step before it. */
function measureStep({ steps }: TimedRun, name: string): number {
  const atMs = steps.get(name);
  if (atMs === undefined) throw new Error(`by-hand.sh has no step "${name}" any more`);
  return atMs - Math.max(0, ...[...steps.values()].filter((other) => other < atMs));
}

const ms = (value: number): string => `${Math.round(value)} ms`;

function buildTotals(measurement: LineMeasurement): string {
  const { byHand, provisioner, service } = measurement;
  const row = (name: string, runs: readonly Pick<TimedRun, "totalMs">[]): string[] => {
    const { p50, p95, min, max } = summarizeValues(runs.map((run) => run.totalMs));
    return [name, ms(p50), ms(p95), ms(min), ms(max)];
  };
  const compared = (name: string, runs: readonly Pick<TimedRun, "totalMs">[]): string[] => {
    const { medianOfPairs, ofMedians, withoutDefinitions } = calculateRatios(runs, byHand);
    return [...row(name, runs), ...[medianOfPairs, ofMedians, withoutDefinitions].map((ratio) => ratio.toFixed(2))];
  };
  return buildTable(
    ["", "p50", "p95", "min", "max", "ratio", "of medians", "without definitions"],
    [
      [...row("By hand, no proof", byHand), "", "", ""],
      compared("Provisioner, connect to proven", provisioner),
      compared("Over REST, connect to Ready", service),
      compared(
        "of it POST of the control plane to Ready",
        service.map(({ createMs }) => ({ totalMs: createMs })),
      ),
      [
        ...row(
          "of it POST of the cluster to connected",
          service.map(({ connectMs }) => ({ totalMs: connectMs })),
        ),
        "",
        "",
        "",
      ],
    ],
  );
}

function describeVerdict({ side, ratio, p50Ms, verdict }: SideVerdict): string {
  const rule: Rule = rules[side];
  const time = rule.mostP50Ms === undefined ? "" : `, p50 ${ms(p50Ms)} of less than ${ms(rule.mostP50Ms)}`;
  const name = side === "service" ? "Over REST" : "Provisioner";
  return `**${name}: ratio ${ratio.toFixed(2)}** (at most ${rule.mostRatio}, aim ${rule.aimedRatio}${time}): ${verdict}.`;
}

function buildSteps(who: string, steps: StepSummary[]): string {
  return buildTable(
    [who, "after the step before", "after the start"],
    steps.map(({ name, tookMs, atMs }) => [name, ms(tookMs), ms(atMs)]),
  );
}

/** What is written of a line: Markdown, without a heading's surroundings. */
export function buildLineReport(measurement: LineMeasurement, surroundings: Surroundings): string {
  const { line, provisioner, service, byHand } = measurement;
  const { date, cores, memoryBytes, platform, node, load } = surroundings;
  const proofs = [...(provisioner[0]?.proofsMs.keys() ?? [])].map(
    (name) => `${name} ${ms(calculateMedian(provisioner.map((run) => run.proofsMs.get(name) ?? Number.NaN)))}`,
  );
  return [
    `### Istio ${line}`,
    `${date}; ${byHand.length} runs of each; ${cores} cores, ${Math.round(memoryBytes / 2 ** 30)} GiB of memory, ${platform}, load ${load.before.toFixed(1)} before and ${load.after.toFixed(1)} after. ` +
      `istiod ${measurement.istio}, Kubernetes ${measurement.kubernetes}, Helm ${measurement.helm}, kubectl ${measurement.kubectl}, Node ${node}.`,
    judgeLine(measurement).map(describeVerdict).join("\n"),
    buildTotals(measurement),
    buildSteps("Step over REST", summarizeSteps(service)),
    buildSteps("Step of the provisioner", summarizeSteps(provisioner)),
    `The proofs of its last step, which run at the same time: ${proofs.join(", ")}.`,
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
  return replaceSection(document, `bench ${line}`, report);
}
