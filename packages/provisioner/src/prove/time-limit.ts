import { ProofFailure } from "./reasons.ts";
import { untilAborted } from "../until-aborted.ts";

/** The abort reason of a signal whose time has run out, as opposed to a caller that gave up. */
export class TimeLimitReached extends Error {
  override readonly name = "TimeLimitReached";
}

/**
 * Runs `work` with a signal that aborts after `limitMs` (with a `TimeLimitReached`) or together with `parent`. Leaves no timer
 * and no listener behind. `work` must end on the signal.
 */
export async function withTimeLimit<T>(
  limitMs: number,
  parent: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const follow = () => controller.abort(parent?.reason);
  if (parent?.aborted === true) follow();
  const timer = setTimeout(() => controller.abort(new TimeLimitReached()), limitMs);
  parent?.addEventListener("abort", follow, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    parent?.removeEventListener("abort", follow);
  }
}

/** What an aborted step fails with: `timedOut` when its time ran out, `Aborted` when the caller gave up. */
export function describeAbort(signal: AbortSignal, timedOut: ProofFailure): ProofFailure {
  return signal.reason instanceof TimeLimitReached
    ? timedOut
    : new ProofFailure("Aborted", "The proof was stopped before it had an answer.");
}

/** Stops waiting for `promise` when the signal of a proof aborts, and says which of its two reasons it was. */
export const waitUnlessAborted = <T>(
  promise: Promise<T>,
  signal: AbortSignal,
  timedOut: () => ProofFailure,
): Promise<T> => untilAborted(promise, signal, () => describeAbort(signal, timedOut()));
