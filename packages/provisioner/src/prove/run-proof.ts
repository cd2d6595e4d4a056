import { ProofFailure, proofReasons, type ProofDetails } from "./reasons.ts";
import { describeAbort, TimeLimitReached, withTimeLimit } from "./time-limit.ts";
import type { Proof } from "./types.ts";

/** What a proof that holds has to say. */
export interface ProofOutcome {
  /** Stable: no times, no ids that change. */
  message: string;
  details: ProofDetails;
}

/**
 * Runs one proof within its time and turns what it returns or throws into a Proof; never throws. `work` must end on the
 * signal it is given.
 */
export async function runProof<Name extends Proof["name"]>(
  name: Name,
  limits: { timeoutMs: number; signal?: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<ProofOutcome>,
): Promise<Proof<Name>> {
  const startedMs = performance.now();
  const finish = () => Math.round((performance.now() - startedMs) * 10) / 10;
  try {
    const outcome = await withTimeLimit(limits.timeoutMs, limits.signal, (signal) =>
      work(signal).catch(nameAbort(signal)),
    );
    return { name, ok: true, verdict: "proven", waitable: false, latencyMs: finish(), ...outcome };
  } catch (error) {
    const { reason, message, details } = toFailure(error);
    return { name, ok: false, ...proofReasons[reason], latencyMs: finish(), reason, message, details };
  }
}

/** A step that only passed on the abort of its signal did not say what it was waiting for. */
function nameAbort(signal: AbortSignal) {
  return (error: unknown): never => {
    if (signal.aborted && (error === signal.reason || error instanceof TimeLimitReached)) {
      throw describeAbort(signal, new ProofFailure("NoAnswer", "There was no answer in time."));
    }
    throw error;
  };
}

function toFailure(error: unknown): ProofFailure {
  if (error instanceof ProofFailure) return error;
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new ProofFailure("ProberFault", `The prober itself failed, which says nothing about the revision: ${what}`);
}
