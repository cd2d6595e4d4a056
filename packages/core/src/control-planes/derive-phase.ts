import type { ControlPlanePhase } from "@pilothouse/contract";

/** What the phase of a control plane, or of one revision, is derived from. */
export interface PhaseFacts {
  deletionRequested: boolean;
  /** Whether it is being made or changed: an operation is live, or the wish is newer than what was observed. */
  isChanging: boolean;
  /** Status of the condition `Ready`; undefined until it was seen for the first time. */
  ready: "True" | "False" | "Unknown" | undefined;
}

/**
 * Derives the phase for people; it is stored nowhere. While something is made or changed it is `Provisioning` until that is proven to
 * work, and what is not Ready then is no news.
 */
export function deriveControlPlanePhase({ deletionRequested, isChanging, ready }: PhaseFacts): ControlPlanePhase {
  if (deletionRequested) return "Deleting";
  if (isChanging || ready === undefined) return "Provisioning";
  if (ready === "True") return "Ready";
  return ready === "False" ? "Degraded" : "Unknown";
}
