import { type Database, type Lease, leaseMs, nameWork, renewLeases } from "@pilothouse/core";
import { createExtendableDeadline, type ExtendableDeadline, type Moment, readMoment } from "@pilothouse/provisioner";
import { describeError, type Log } from "../log.ts";

/** A lease and how long it may be acted on. */
export interface HeldLease {
  lease: Lease;
  /** Passes before the lease can be over by the database's clock, and moves on with each renewal. */
  deadline: ExtendableDeadline;
  /** Called when there is a new wish to look at once. */
  onWake?: () => void;
  /** Ends the look before its time, as this worker stops or the lease is lost. */
  cancel: () => void;
  /**
   * Whether the look was ended before its time: by `cancel`, or as its lease was not renewed in time, say because the database was away or this process
   * was paused. What it did not see then says nothing.
   */
  isCancelled: () => boolean;
}

/** Keeps leases from running out as long as their objects are worked on. */
export interface LeaseKeeper {
  /**
   * @param takenAt both clocks before the lease was asked for
   * @param mostMs longest time that one look may take, in milliseconds
   */
  hold: (lease: Lease, takenAt: Moment, options?: { mostMs?: number; onWake?: () => void }) => HeldLease;
  drop: (held: HeldLease) => void;
  count: (kind: Lease["kind"]) => number;
  /** When leases were last renewed without a failure, on the monotonic clock. */
  lastRenewedMs: () => number;
  stop: () => Promise<void>;
}

const renewIntervalMs = 1_250;

/** A call that was handed over just before the deadline may still be on its way; and clocks tick at slightly different rates. In milliseconds. */
const safetyMs = 1_500;

/**
 * Renews all leases that are held with one statement every 1.25 s. A renewal counts from the moment it was sent: a process that was paused in between
 * finds its deadlines passed.
 * @param database a pool of its own, so that no other query delays a renewal
 */
export function createLeaseKeeper(database: Database, log: Log): LeaseKeeper {
  const held = new Map<string, HeldLease>();
  /** Wishes that were passed on already. */
  const heard = new WeakMap<HeldLease, bigint>();
  let renewal: Promise<void> | undefined;
  let renewedMs = performance.now();

  async function renew(): Promise<void> {
    const sentAt = readMoment();
    const now = [...held.values()];
    try {
      const { renewed, lost } = await renewLeases(
        database,
        now.map(({ lease }) => lease),
      );
      for (const { kind, objectId, wakes } of renewed) {
        const one = held.get(nameWork({ kind, objectId }));
        if (one === undefined || !now.includes(one)) continue;
        one.deadline.extend(sentAt, leaseMs - safetyMs);
        if (wakes <= (heard.get(one) ?? one.lease.wakes)) continue;
        heard.set(one, wakes);
        one.onWake?.();
      }
      for (const lease of lost) {
        const one = held.get(nameWork(lease));
        if (one?.lease.fence !== lease.fence) continue;
        // Also when its object has gone, as that of a sentinel whose revision is being removed.
        log("info", "a lease is not held any more; nothing is written for it", { work: nameWork(lease) });
        one.cancel();
      }
      renewedMs = performance.now();
    } catch (error) {
      log("warn", "leases could not be renewed", { leases: now.length, error: describeError(error) });
    }
  }

  const timer = setInterval(() => {
    if (renewal !== undefined) return;
    renewal = renew().finally(() => {
      renewal = undefined;
    });
  }, renewIntervalMs);

  return {
    hold(lease, takenAt, { mostMs, onWake } = {}) {
      const deadline = createExtendableDeadline({
        from: takenAt,
        afterMs: leaseMs - safetyMs,
        ...(mostMs === undefined ? {} : { mostMs }),
      });
      let isCancelled = false;
      const longestUntilMs = takenAt.monotonicMs + (mostMs ?? Number.POSITIVE_INFINITY);
      const one: HeldLease = {
        lease,
        deadline,
        ...(onWake === undefined ? {} : { onWake }),
        isCancelled: () => isCancelled || (deadline.remainingMs() === 0 && performance.now() < longestUntilMs),
        cancel() {
          isCancelled = true;
          deadline.end();
        },
      };
      held.set(nameWork(lease), one);
      return one;
    },
    drop(one) {
      one.deadline.end();
      if (held.get(nameWork(one.lease)) === one) held.delete(nameWork(one.lease));
    },
    count: (kind) => [...held.values()].filter(({ lease }) => lease.kind === kind).length,
    lastRenewedMs: () => renewedMs,
    async stop() {
      clearInterval(timer);
      await renewal;
    },
  };
}
