import { ProvisionerError } from "@pilothouse/provisioner";

/** How a look at an object ended. */
export interface Outcome {
  /** For metrics: `ready`, `progressing`, `removed`, `gone`, or the kind of the error. */
  result: "ready" | "progressing" | "removed" | "gone" | "user" | "notReady" | "transient" | "unknown";
  /** When to look again, in milliseconds. */
  requeueAfterMs: number;
  /** It could not be seen or done for a reason that is expected to pass: the next wait is longer. */
  failed: boolean;
  /** The object's work item is gone, so that there is nothing to give back. */
  isGone?: boolean;
}

/** The longest wait after failures, in milliseconds. */
const mostBackOffMs = 300_000;
/** A wish that can't be carried out is looked at again that often: the world may have changed. In milliseconds. */
const userErrorMs = 300_000;
/** What only has to come up does not take long. In milliseconds. */
const mostNotReadyMs = 30_000;

/** 2^failures seconds, at most 5 minutes, spread by a quarter to both sides. */
export function backOffMs(failures: number, random: () => number = Math.random): number {
  return Math.min(mostBackOffMs, 1_000 * 2 ** Math.min(failures, 20)) * (0.75 + random() / 2);
}

/** A look that was ended before its time. Another worker may go on at once. */
export class LookCancelled extends Error {
  override readonly name = "LookCancelled";
}

/** What an error means for when to look again. */
export function judgeError(error: unknown, failures: number, random?: () => number): Outcome {
  if (error instanceof LookCancelled) return { result: "transient", requeueAfterMs: 0, failed: false };
  const kind = error instanceof ProvisionerError ? error.kind : "unknown";
  switch (kind) {
    case "user":
      return { result: kind, requeueAfterMs: userErrorMs, failed: false };
    case "notReady":
      return { result: kind, requeueAfterMs: Math.min(mostNotReadyMs, backOffMs(failures + 1, random)), failed: true };
    case "transient":
    case "unknown":
      return { result: kind, requeueAfterMs: backOffMs(failures + 1, random), failed: true };
  }
}
