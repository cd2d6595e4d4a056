import type { IdentitySlot } from "../revision/identity.ts";

/** Names of what connecting installs, one of each per mesh cluster; those of the version lines are `lineRoleNames`. */
export const clusterNames = {
  /** Pilothouse's ServiceAccount, and its Role, ClusterRole and bindings. */
  pilothouse: "pilothouse",
  /**
   * ClusterRole without rules that owns all the rest but istio-system. Deleting it is the last thing Pilothouse does in a cluster:
   * the garbage collector then removes what an identity can't remove while it needs it, itself and its rights included.
   */
  anchor: "pilothouse-anchor",
  /** Secret to which Pilothouse's own token is bound; a renewed token goes to the other slot. */
  tokenSecret: (slot: IdentitySlot): string => `pilothouse-token-${slot}`,
};
