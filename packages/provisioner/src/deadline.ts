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

/** One moment on both clocks. */
export interface Moment {
  monotonicMs: number;
  wallMs: number;
}

/** A deadline that moves on as long as whoever set it says so, and never once it has passed. */
export interface ExtendableDeadline extends Deadline {
  /**
   * Moves the deadline to `afterMs` milliseconds after `from`, e.g. the moment at which the renewal of a lease was sent. It never
   * comes nearer, and does not go past the longest time set at its making.
   * @returns false when it had passed: then nothing may be written any more, whatever else was renewed
   */
  extend(from: Moment, afterMs: number): boolean;
  /** Lets it pass now. */
  end(): void;
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
    assertNotPassed: (what) => assertTimeLeft(remainingMs(), what),
  };
}

function assertTimeLeft(leftMs: number, what: string): void {
  if (leftMs > 0) return;
  throw new ProvisionerError(
    "transient",
    "DeadlinePassed",
    `The time for this run was over before this was sent: ${what}. It was not sent; the next run goes on from here.`,
  );
}

/** Both clocks at once. */
export function readMoment(clock: Clock = systemClock): Moment {
  return { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
}

/**
 * A deadline that can be moved on: `afterMs` milliseconds after `from`, at most `mostMs` milliseconds after it in the end. It has passed as soon as
 * either clock says so, and stays so. Whoever makes it ends it, so that no timer stays.
 */
export function createExtendableDeadline(
  options: { from?: Moment; afterMs: number; mostMs?: number },
  clock: Clock = systemClock,
): ExtendableDeadline {
  const { from = readMoment(clock), afterMs, mostMs = longestDeadlineMs } = options;
  for (const ms of [afterMs, mostMs]) {
    if (!(ms >= 0 && ms <= longestDeadlineMs)) {
      throw new RangeError(`a deadline lies between 0 and ${longestDeadlineMs} ms away, not ${ms}`);
    }
  }
  const moveOn = (moment: Moment, ms: number): Moment => ({
    monotonicMs: moment.monotonicMs + ms,
    wallMs: moment.wallMs + ms,
  });
  const latest = moveOn(from, mostMs);
  const latestBy = (moment: Moment): Moment => ({
    monotonicMs: Math.min(moment.monotonicMs, latest.monotonicMs),
    wallMs: Math.min(moment.wallMs, latest.wallMs),
  });
  const controller = new AbortController();
  let at = latestBy(moveOn(from, afterMs));
  let timer: NodeJS.Timeout | undefined;

  const remainingMs = (): number => {
    if (controller.signal.aborted) return 0;
    return Math.max(0, Math.min(at.monotonicMs - clock.monotonicMs(), at.wallMs - clock.wallMs()));
  };
  const end = (): void => {
    clearTimeout(timer);
    if (!controller.signal.aborted)
      controller.abort(new DOMException("The time for this run is over.", "TimeoutError"));
  };
  const watch = (): void => {
    const leftMs = remainingMs();
    if (leftMs === 0) {
      end();
      return;
    }
    timer = setTimeout(watch, Math.ceil(leftMs));
    timer.unref();
  };
  watch();
  return {
    get atMs() {
      return at.monotonicMs;
    },
    signal: controller.signal,
    remainingMs,
    assertNotPassed: (what) => assertTimeLeft(remainingMs(), what),
    extend(moment, ms) {
      if (remainingMs() === 0) {
        end();
        return false;
      }
      const next = latestBy(moveOn(moment, ms));
      // The two clocks drift apart only when one of them was set or stood still: then both are taken from the newer moment.
      if (next.monotonicMs > at.monotonicMs) at = next;
      return true;
    },
    end,
  };
}
