import type { ObservedCondition } from "@pilothouse/core";
import type { Proof } from "@pilothouse/provisioner";

/** What one look of a sentinel found. */
export interface SentinelFinding {
  /** Why no stream is open; absent when one is. */
  streamProblem?: string;
  /** Those made in this look. */
  proofs: readonly Proof[];
}

/** From the cause to the effect: what istiod itself does not answer, its webhooks can't either. */
const proofOrder: readonly Proof["name"][] = ["certificate", "discovery", "injection", "admission"];

/** What is Serving, by one look: refuted is False, what could not be seen is Unknown. */
export function judgeFinding({ streamProblem, proofs }: SentinelFinding): ObservedCondition {
  const type = "Serving";
  const ordered = proofs.toSorted((a, b) => proofOrder.indexOf(a.name) - proofOrder.indexOf(b.name));
  // A later proof that was not even tried, as an earlier one failed, says nothing.
  const failed = ordered.find(({ verdict }) => verdict === "refuted") ?? ordered.find(({ ok }) => !ok);
  if (failed !== undefined) {
    const status = failed.verdict === "refuted" ? "False" : "Unknown";
    return { type, status, reason: failed.reason ?? "NotProven", message: failed.message };
  }
  if (streamProblem !== undefined) return { type, status: "Unknown", reason: "NoStream", message: streamProblem };
  const message = "Watched without a break: an open discovery stream, and admission through the public edge.";
  return { type, status: "True", reason: "Watched", message };
}
