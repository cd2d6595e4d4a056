import type { ClusterPhase } from "@pilothouse/contract";

/** What the phase of a mesh cluster is derived from. */
export interface ClusterPhaseFacts {
  deletionRequested: boolean;
  /** Whether an operation on it is live. */
  isChanging: boolean;
  /** Whether it has ever been connected. */
  wasConnected: boolean;
  /** Statuses of its conditions. */
  conditions: readonly { status: string }[];
}

/** Derives the phase for people; it is stored nowhere. One condition that is not as wished is enough; what can't be seen is `Unknown`. */
export function deriveClusterPhase(facts: ClusterPhaseFacts): ClusterPhase {
  const { deletionRequested, isChanging, wasConnected, conditions } = facts;
  if (deletionRequested) return "Disconnecting";
  if (isChanging) return "Connecting";
  if (!wasConnected) return "ConnectFailed";
  if (conditions.some(({ status }) => status === "False")) return "Degraded";
  return conditions.some(({ status }) => status === "Unknown") ? "Unknown" : "Connected";
}
