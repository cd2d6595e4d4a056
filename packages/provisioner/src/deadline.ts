import { ProvisionerError } from "./errors.ts";

/** Where time comes from. `monotonicMs` never jumps; `wallMs` also counts the time in which a whole machine was suspended. */
export interface Clock {
  monotonicMs(): number;
  wallMs(): number;
}

/** The moment after which nothing may be written any more. */
export interface Deadline {
  /** On the monotonic clock (`performance.now()`), in milliseconds. */
  readonly atMs: number;
  /** Aborts when the deadline passes. A paused process sees this late: check `assertNotPassed` before each write. */
  readonly signal: AbortSignal;
  /** Milliseconds left, 0 when none are. */
  remainingMs(): number;
  /** Throws a transient ProvisionerError `DeadlinePassed`; `what` names what was not done because of it. */
  assertNotPassed(what: string): void;
}

const systemClock: Clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

/** A timer can't be longer than 2^31-1 ms, and fires at once when it is. */
const longestDeadlineMs = 2_147_483_647;

/**
 * A deadline `afterMs` milliseconds from now. It has passed as soon as either clock says so: the monotonic clock of a virtual
 * machine stands still while the machine is suspended, and the wall clock can be set back.
 */
export function createDeadline(afterMs: number, clock: Clock = systemClock): Deadline {
  if (!(afterMs >= 0 && afterMs <= longestDeadlineMs)) {
    throw new RangeError(`a deadline lies between 0 and ${longestDeadlineMs} ms away, not ${afterMs}`);
  }
  const atMs = clock.monotonicMs() + afterMs;
  const atWallMs = clock.wallMs() + afterMs;
  const remainingMs = () => Math.max(0, Math.min(atMs - clock.monotonicMs(), atWallMs - clock.wallMs()));
  return {
    atMs,
    signal: AbortSignal.timeout(afterMs),
    remainingMs,
    assertNotPassed(what) {
      if (remainingMs() > 0) return;
      throw new ProvisionerError(
        "transient",
        "DeadlinePassed",
        `The time for this run was over before this was sent: ${what}. It was not sent; the next run goes on from here.`,
      );
    },
  };
}
