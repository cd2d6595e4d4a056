/** One observation of one aspect. */
export interface ObservedCondition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
}

/** The same as it is stored. */
export interface StoredCondition extends ObservedCondition {
  observedGeneration: number;
  lastTransitionAt: Date;
  /** While the status is Unknown: what was known, and until when. */
  lastKnown: (Omit<ObservedCondition, "type"> & { at: string }) | null;
}

/**
 * What is to be stored after an observation. Answers `before` itself when nothing differs. The time of transition moves with the status alone; what is not
 * known any more keeps what was.
 */
export function mergeCondition(
  before: StoredCondition | undefined,
  { type, status, reason, message }: ObservedCondition,
  observedGeneration: number,
  now: Date,
): StoredCondition {
  const isSame =
    before?.status === status &&
    before.reason === reason &&
    before.message === message &&
    before.observedGeneration === observedGeneration;
  if (isSame) return before;
  return {
    type,
    status,
    reason,
    message,
    observedGeneration,
    lastTransitionAt: before?.status === status ? before.lastTransitionAt : now,
    lastKnown: status === "Unknown" ? findLastKnown(before, now) : null,
  };
}

function findLastKnown(before: StoredCondition | undefined, now: Date): StoredCondition["lastKnown"] {
  if (before === undefined) return null;
  if (before.status === "Unknown") return before.lastKnown;
  return { status: before.status, reason: before.reason, message: before.message, at: now.toISOString() };
}
