import { buildTable } from "../document.ts";
import type { ListTimes } from "./measure-lists.ts";

/** What was measured. Times in seconds unless named otherwise, memory in bytes. */
export interface LoadMeasurement {
  controlPlanes: number;
  istiodClusters: number;
  tenants: { name: string; controlPlanes: number }[];
  connectedSeconds: number;
  readySeconds: number;
  lists: ListTimes[];
  steady: {
    seconds: number;
    /** Share of one core. */
    workerCpu: number;
    workerMemoryBytes: number;
    webCpu: number;
    webMemoryBytes: number;
    /** Proofs in that time. */
    probes: number;
    /** What was missed by poller and queue since the worker began. */
    corrections: number;
  };
  restart: {
    /** From the kill until every control plane has been reconciled. */
    reconciledSeconds: number;
    /** From the kill until the connections of all mesh clusters have been looked at, too, and nothing is left to do. */
    quietSeconds: number;
    /** From the kill until every revision has an open stream again. */
    watchedSeconds: number;
    memoryBytes: number;
    /** Of the new worker until then. */
    cpuSeconds: number;
  };
}

/** One promise: what was measured, and the limit it has to keep. */
export interface Verdict {
  what: string;
  measured: string;
  limit: string;
  passed: boolean;
}

const limits = {
  listMs: 50,
  workerCpu: 0.25,
  workerMemoryBytes: 1_024 ** 3,
  reconciledSeconds: 60,
} as const;

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_024 ** 2)} MiB`;
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** Holds what was measured against the limits. */
export function judgeLoad({ lists, steady, restart }: LoadMeasurement): Verdict[] {
  const below = (what: string, value: number, limit: number, write: (value: number) => string): Verdict => ({
    what,
    measured: write(value),
    limit: `under ${write(limit)}`,
    passed: value < limit,
  });
  const { workerCpu, workerMemoryBytes, corrections } = steady;
  const memoryBytes = Math.max(workerMemoryBytes, restart.memoryBytes);
  return [
    ...lists.map(({ name, p95 }) =>
      below(`list of control planes, ${name}, p95`, p95, limits.listMs, (ms) => `${ms.toFixed(1)} ms`),
    ),
    below("worker, steady state, share of a core", workerCpu, limits.workerCpu, percent),
    below("worker, most memory (also after its restart)", memoryBytes, limits.workerMemoryBytes, mebibytes),
    below(
      "all control planes reconciled after the worker was killed",
      restart.reconciledSeconds,
      limits.reconciledSeconds,
      seconds,
    ),
    below(
      "all control planes watched again after the worker was killed",
      restart.watchedSeconds,
      limits.reconciledSeconds,
      seconds,
    ),
    {
      what: "objects that poller and queue missed",
      measured: String(corrections),
      limit: "0",
      passed: corrections === 0,
    },
  ];
}

/** What is printed and written of a run, in Markdown. @param surroundings one sentence about the machine and the day */
export function buildLoadReport(measurement: LoadMeasurement, surroundings: string): string {
  const { controlPlanes, istiodClusters, tenants, lists, steady, restart } = measurement;
  const sizes = tenants.map((tenant) => tenant.controlPlanes);
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  return [
    surroundings,
    buildTable(
      ["", "measured", "limit", ""],
      judgeLoad(measurement).map(({ what, measured, limit, passed }) => [
        what,
        measured,
        limit,
        passed ? "passed" : "FAILED",
      ]),
    ),
    buildTable(
      ["list of control planes, over REST", "requests", "p50", "p95", "max"],
      lists.map(({ name, requests, p50, p95, max }) => [name, String(requests), ms(p50), ms(p95), ms(max)]),
    ),
    `${controlPlanes} control planes in as many mesh clusters, on ${istiodClusters} istiod clusters, of ${tenants.length} tenants with ${sizes.join(", ")}; the lists are the first one's. ` +
      `From the first order on, all clusters were connected after ${seconds(measurement.connectedSeconds)}; from the first order of a control plane on, all were Ready after ${seconds(measurement.readySeconds)}. ` +
      `The steady state was watched for ${seconds(steady.seconds)}, with ${steady.probes} proofs in it: the worker took ${percent(steady.workerCpu)} of a core and ${mebibytes(steady.workerMemoryBytes)}, ` +
      `the web server, which was asked for the lists meanwhile, ${percent(steady.webCpu)} and ${mebibytes(steady.webMemoryBytes)}. ` +
      `After the worker was killed all control planes and all connections to mesh clusters were due at once; the connections, which come last, had been looked at after ${seconds(restart.quietSeconds)}. ` +
      `The new worker had used ${seconds(restart.cpuSeconds)} of CPU and up to ${mebibytes(restart.memoryBytes)} when all was as before.`,
  ].join("\n\n");
}
