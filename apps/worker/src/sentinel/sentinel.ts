import type { ObservedCondition } from "@pilothouse/core";
import { describeError, type Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { OpenStream, Prober } from "../provisioner.ts";
import { judgeFinding, type SentinelFinding } from "./judge-proofs.ts";
import type { TakeTurn } from "./turns.ts";

/** Times of a sentinel, in milliseconds. */
export interface SentinelTimes {
  /** Between two admission dry runs: a little less than the 30 s for which idle connections are kept. */
  admissionMs: number;
  /** Between two whole proofs; spread by a fifth to both sides. */
  proofMs: number;
  /** From a failure to the closer look that decides. */
  closerLookMs: number;
  /** Between looks at what does not serve: grows from the first to the second within a minute, and after that is a tenth of the time since, up to the third. */
  retryMs: readonly [number, number, number];
  streamTimeoutMs: number;
  proofTimeoutMs: number;
}

const sentinelTimes: SentinelTimes = {
  admissionMs: 27_000,
  proofMs: 600_000,
  closerLookMs: 250,
  retryMs: [1_000, 5_000, 60_000],
  streamTimeoutMs: 5_000,
  proofTimeoutMs: 12_000,
};

export interface SentinelOptions {
  revisionId: string;
  prober: Prober;
  /** As it is stored. */
  condition: ObservedCondition | undefined;
  /** Stores what it found; failures are tried again with the next look. */
  save: (
    condition: ObservedCondition,
    change: { proofs: SentinelFinding["proofs"]; wakeRevision: boolean },
  ) => Promise<void>;
  /** Bounds how many sentinels begin to look at a time. */
  takeTurn: TakeTurn;
  /** Ends it. */
  signal: AbortSignal;
  metrics: Metrics;
  log: Log;
  times?: SentinelTimes;
  random?: () => number;
}

/** Watches one revision that has been Ready, until its signal is aborted. */
export interface Sentinel {
  /** The whole proof, now. */
  lookClosely: () => void;
  isOpen: () => boolean;
  ended: Promise<void>;
}

/**
 * Keeps a discovery stream open, tries admission every half minute and proves everything every ten minutes. A loss or a failure is looked at closely at once;
 * only the second failure in a row is said. What does not serve is looked at every few seconds until it does, and less often the longer that takes: a cluster
 * that sleeps through the night is proven once a minute.
 */
export function startSentinel(options: SentinelOptions): Sentinel {
  const { prober, signal, metrics, log, revisionId, times = sentinelTimes, random = Math.random } = options;
  let stream: OpenStream | undefined;
  let isDraining = false;
  let failures = 0;
  let failingSinceMs = Number.POSITIVE_INFINITY;
  let said = options.condition;
  // Another worker's sentinel has proven the rest not long ago, and admission within the half minute: a thousand that begin together take turns.
  let wantsWholeProof = said?.status !== "True";
  let admissionAtMs = wantsWholeProof ? 0 : performance.now() + random() * times.admissionMs;
  let proofAtMs = performance.now() + random() * times.proofMs;
  let ring: () => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;
  let rangAtMs = Number.POSITIVE_INFINITY;
  const spread = (ms: number): number => ms * (0.8 + 0.4 * random());

  function lookIn(afterMs: number): void {
    const atMs = performance.now() + afterMs;
    if (atMs >= rangAtMs) return;
    rangAtMs = atMs;
    clearTimeout(timer);
    timer = setTimeout(() => ring(), afterMs);
  }

  async function waitForRing(): Promise<void> {
    await new Promise<void>((resolve) => {
      ring = resolve;
      if (signal.aborted || performance.now() >= rangAtMs) resolve();
    });
    clearTimeout(timer);
    rangAtMs = Number.POSITIVE_INFINITY;
  }

  async function openStream(): Promise<string | undefined> {
    if (stream !== undefined && !isDraining) return undefined;
    const former = stream;
    // Either may be told of before the stream itself is at hand here.
    let opened: OpenStream | undefined;
    let end: string | undefined;
    let drains = false;
    try {
      opened = await prober.openStream({
        timeoutMs: times.streamTimeoutMs,
        signal,
        onDraining() {
          drains = true;
          if (opened === undefined || stream !== opened) return;
          isDraining = true;
          lookIn(random() * 1_000);
        },
        onEnd(why) {
          end ??= why;
          if (opened === undefined || stream !== opened) return;
          stream = undefined;
          metrics.probes.inc({ probe: "stream", result: "lost" });
          log("info", "a sentinel lost its stream", { revision: revisionId, why });
          if (!isDraining) failures = Math.max(failures, 1);
          lookIn(50 + random() * 150);
        },
      });
      if (end !== undefined) {
        metrics.probes.inc({ probe: "stream", result: "refused" });
        await opened.close();
        return `The discovery stream ended as soon as it was open: ${end}.`;
      }
      stream = opened;
      isDraining = drains;
      if (drains) lookIn(random() * 1_000);
      metrics.probes.inc({ probe: "stream", result: "opened" });
      await former?.close();
      return undefined;
    } catch (error) {
      metrics.probes.inc({ probe: "stream", result: "refused" });
      return error instanceof Error ? error.message : String(error);
    }
  }

  async function prove(only?: ["admission"]): Promise<SentinelFinding["proofs"]> {
    const proofs = await prober.prove({
      timeoutMs: times.proofTimeoutMs,
      signal,
      ...(only === undefined ? {} : { only }),
    });
    for (const { name, verdict } of proofs) metrics.probes.inc({ probe: name, result: verdict });
    return proofs;
  }

  async function look(): Promise<void> {
    const streamProblem = await openStream();
    const nowMs = performance.now();
    const isWhole = wantsWholeProof || failures > 0 || streamProblem !== undefined || nowMs >= proofAtMs;
    let proofs: SentinelFinding["proofs"] = [];
    if (isWhole) proofs = await prove();
    else if (nowMs >= admissionAtMs) proofs = await prove(["admission"]);
    if (signal.aborted) return;
    // A stream that was lost in the meantime has asked for a look of its own.
    const finding: SentinelFinding = { proofs, ...(streamProblem === undefined ? {} : { streamProblem }) };
    const condition = judgeFinding(finding);
    if (proofs.length > 0) admissionAtMs = performance.now() + times.admissionMs * (0.9 + 0.1 * random());
    if (condition.status !== "True") {
      await lookAgainAfterFailure(condition, proofs);
      return;
    }
    failures = stream === undefined ? 1 : 0;
    failingSinceMs = Number.POSITIVE_INFINITY;
    if (isWhole) {
      wantsWholeProof = false;
      proofAtMs = performance.now() + spread(times.proofMs);
    }
    await say(condition, proofs, isWhole);
  }

  async function lookAgainAfterFailure(condition: ObservedCondition, proofs: SentinelFinding["proofs"]): Promise<void> {
    failures += 1;
    failingSinceMs = Math.min(failingSinceMs, performance.now());
    wantsWholeProof = true;
    if (failures === 1) {
      lookIn(times.closerLookMs);
      return;
    }
    await say(condition, proofs);
    const [first, soon, most] = times.retryMs;
    const patienceMs = Math.min(most, Math.max(soon, (performance.now() - failingSinceMs) / 10));
    lookIn(spread(Math.min(patienceMs, first * 2 ** Math.min(failures - 2, 10))));
  }

  /** Stored only when it differs, and after each whole proof; what could not be stored is tried with the next look. */
  async function say(condition: ObservedCondition, proofs: SentinelFinding["proofs"], isWhole = false): Promise<void> {
    const isSame =
      said?.status === condition.status && said.reason === condition.reason && said.message === condition.message;
    if (isSame && !isWhole) return;
    const isTurn = said !== undefined && said.status !== condition.status;
    try {
      await options.save(condition, { proofs, wakeRevision: isTurn });
      said = condition;
    } catch (error) {
      log("warn", "a sentinel's finding could not be stored", { revision: revisionId, error: describeError(error) });
      lookIn(spread(2_000));
    }
  }

  async function watch(): Promise<void> {
    // Thousands begin at the same time when a worker starts.
    lookIn(random() * 500);
    while (!signal.aborted) {
      await waitForRing();
      if (signal.aborted) break;
      try {
        await options.takeTurn(look);
      } catch (error) {
        log("error", "a sentinel's look failed", { revision: revisionId, error: describeError(error) });
        lookIn(spread(5_000));
      }
      // Whatever has asked for a look already plans the next one anew.
      if (rangAtMs === Number.POSITIVE_INFINITY)
        lookIn(Math.max(100, Math.min(admissionAtMs, proofAtMs) - performance.now()));
    }
    clearTimeout(timer);
    const open = stream;
    stream = undefined;
    await open?.close();
    await prober.close();
  }

  signal.addEventListener("abort", () => ring(), { once: true });
  return {
    lookClosely() {
      wantsWholeProof = true;
      lookIn(0);
    },
    isOpen: () => stream !== undefined,
    ended: watch().catch((error: unknown) => {
      log("error", "a sentinel ended", { revision: revisionId, error: describeError(error) });
    }),
  };
}
