/** What is said of a series of measurements, in the unit of its values. */
export interface Summary {
  p50: number;
  p95: number;
  min: number;
  max: number;
}

/** The middle value; of an even number of values the mean of the two in the middle. NaN for none. */
export function calculateMedian(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The smallest value that at least `share` (above 0, up to 1) of the values do not exceed: of ten values the p95 is the largest. NaN for none. */
export function calculatePercentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}

/** Summarises a series of at least one value. */
export function summarizeValues(values: readonly number[]): Summary {
  return {
    p50: calculateMedian(values),
    p95: calculatePercentile(values, 0.95),
    min: Math.min(...values),
    max: Math.max(...values),
  };
}

/** One run of something with steps. */
export interface TimedRun {
  totalMs: number;
  /** When each step was reached, in milliseconds since the start. */
  steps: ReadonlyMap<string, number>;
}

/** A step over several runs, in milliseconds. */
export interface StepSummary {
  name: string;
  /** Median of the time since the start. */
  atMs: number;
  /** Median of the time since the step that was reached before it in the same run. */
  tookMs: number;
}

/** Medians of the steps that all runs took, in the order in which they are reached. */
export function summarizeSteps(runs: readonly TimedRun[]): StepSummary[] {
  const taken = runs.map(({ steps }) => {
    let lastMs = 0;
    return new Map(
      [...steps]
        .toSorted((a, b) => a[1] - b[1])
        .map(([name, atMs]) => {
          const tookMs = atMs - lastMs;
          lastMs = atMs;
          return [name, { atMs, tookMs }] as const;
        }),
    );
  });
  const names = [...(taken[0]?.keys() ?? [])].filter((name) => taken.every((run) => run.has(name)));
  return names
    .map((name) => {
      const times = taken.flatMap((run) => run.get(name) ?? []);
      return {
        name,
        atMs: calculateMedian(times.map((time) => time.atMs)),
        tookMs: calculateMedian(times.map((time) => time.tookMs)),
      };
    })
    .toSorted((a, b) => a.atMs - b.atMs);
}
