import { setTimeout as sleep } from "node:timers/promises";
import type { Progress } from "./progress.ts";

/** A worker's metrics by name with labels, as Prometheus writes them: `pilothouse_work_due{kind="revision"}`. */
export type WorkerMetrics = ReadonlyMap<string, number>;

const timeoutMs = 10_000;
const lookMs = 500;

/** Asks a worker for its metrics. */
export async function readWorkerMetrics(healthUrl: string): Promise<WorkerMetrics> {
  const response = await fetch(`${healthUrl}/metrics`, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`${healthUrl}/metrics answered ${response.status}`);
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** How far a worker is. */
export interface WorkerState {
  /** Whole looks that ended well, since the worker began. */
  clusters: number;
  revisions: number;
  /** Revisions with an open discovery stream. */
  watched: number;
  /** Clusters and revisions that wait or are being looked at, and revisions alone. */
  open: number;
  openRevisions: number;
  corrections: number;
}

/** Reads how far a worker is. */
export async function readWorkerState(healthUrl: string): Promise<WorkerState> {
  const metrics = await readWorkerMetrics(healthUrl);
  const read = (name: string): number => metrics.get(name) ?? 0;
  const count = (kind: string): number =>
    read(`pilothouse_reconcile_duration_seconds_count{kind="${kind}",result="ready"}`);
  const work = (kind: string): number =>
    read(`pilothouse_work_due{kind="${kind}"}`) + read(`pilothouse_work_held{kind="${kind}"}`);
  return {
    clusters: count("cluster"),
    revisions: count("revision"),
    watched: read("pilothouse_sentinels_open"),
    open: work("cluster") + work("revision"),
    openRevisions: work("revision"),
    corrections: read("pilothouse_sweep_corrections_total"),
  };
}

/** Waits until a worker watches all revisions and has nothing to do. @throws Error when it has not within the time */
export async function waitForQuiet(healthUrl: string, all: number, progress: Progress, limitMs: number): Promise<void> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const { watched, open } = await readWorkerState(healthUrl);
    progress.show("revisions watched", watched, all);
    if (watched === all && open === 0) return;
    if (performance.now() > endMs)
      throw new Error(`${watched} of ${all} are watched after ${limitMs / 1000} s, and ${open} objects wait`);
    await sleep(lookMs);
  }
}
