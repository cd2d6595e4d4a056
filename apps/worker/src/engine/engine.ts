import {
  claimWork,
  type Database,
  type DueWork,
  type Lease,
  listDueWork,
  nameWork,
  releaseWork,
  type WorkKey,
} from "@pilothouse/core";
import { type Moment, readMoment } from "@pilothouse/provisioner";
import { describeError, type Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { judgeError, type Outcome } from "./back-off.ts";
import type { HeldLease, LeaseKeeper } from "./lease-keeper.ts";
import type { Limits } from "./limits.ts";

/** Looks once at an object whose lease is held. Throws what went wrong, typed by what happens next. */
export type Reconciler = (held: HeldLease) => Promise<Outcome>;

export interface EngineOptions {
  database: Database;
  /** Who this worker is, for people who look at the table. */
  holder: string;
  keeper: LeaseKeeper;
  limits: Limits;
  reconcilers: Record<"cluster" | "revision", Reconciler>;
  /** Longest time of one look, in milliseconds. */
  longestLookMs: Record<"cluster" | "revision", number>;
  /** Shards that are not to be called now. */
  listBlockedShards: () => string[];
  metrics: Metrics;
  log: Log;
  /** Wishes that due objects be taken in so many milliseconds. */
  lookAgain: (afterMs: number) => void;
}

type DueItem = Pick<DueWork, "kind" | "objectId" | "shard">;

interface Claimed {
  begun: Map<string, Promise<Outcome>>;
  left: readonly DueItem[];
}

/** Takes objects that are due, looks at them, and gives them back. */
export interface Engine {
  /** Takes what is due, within the limits. Answers when the looks have begun, not when they have ended. */
  takeDueWork: () => Promise<void>;
  /** Takes these objects if they are due, free and within the limits; answers how many were taken. */
  take: (items: readonly DueItem[]) => Promise<number>;
  /** Looks at one object now if it is due and free, and answers how that ended. */
  runItem: (key: WorkKey) => Promise<Outcome | undefined>;
  /** Looks right now. */
  countRunning: () => number;
  /** Takes nothing more, and waits for what runs; ends it after `graceMs` milliseconds. */
  drain: (graceMs: number) => Promise<void>;
}

/** From the end of a look's time to when it is given up, in milliseconds: for what it still writes into the database. */
const hungAfterMs = 10_000;

/**
 * A look whose time is over ends by itself, as all its calls do. One that does not is left alone: its lease is given back, and what it still writes
 * finds that.
 */
async function abandonIfHung(held: HeldLease, look: Promise<Outcome>): Promise<Outcome> {
  const { signal } = held.deadline;
  const ended = new AbortController();
  const hung = new Promise<never>((_resolve, reject) => {
    const waitABit = (): void => {
      const timer = setTimeout(
        () => reject(new Error("The look did not end when its time was over, and is given up.")),
        hungAfterMs,
      );
      ended.signal.addEventListener("abort", () => clearTimeout(timer));
    };
    if (signal.aborted) waitABit();
    else signal.addEventListener("abort", waitABit, { once: true, signal: ended.signal });
  });
  try {
    return await Promise.race([look, hung]);
  } finally {
    ended.abort();
  }
}

/** Looks that end within this time go on here rather than with the next poll. In milliseconds. */
const soonMs = 1_000;

/** Looks that end together are followed by one claim. In milliseconds. */
const gatherMs = 20;
/** So many more are listed than there is room for, and taken within this time when places become free: each list reads all that is due. */
const listAhead = 64;
const aheadMs = 400;

const kinds = ["cluster", "revision"] as const;

export function createEngine(options: EngineOptions): Engine {
  const { database, holder, keeper, limits, metrics, log } = options;
  const running = new Map<HeldLease, Promise<Outcome>>();
  const claiming = new Set<Promise<unknown>>();
  let isDraining = false;
  let wasSaturated = false;
  let ahead: { items: readonly DueItem[]; listedAtMs: number } = { items: [], listedAtMs: 0 };

  async function look(held: HeldLease): Promise<Outcome> {
    const { lease } = held;
    const startedMs = performance.now();
    const kind = lease.kind === "cluster" ? "cluster" : "revision";
    let outcome: Outcome;
    try {
      outcome = await abandonIfHung(held, options.reconcilers[kind](held));
    } catch (error) {
      outcome = judgeError(error, lease.failures);
      // What a tenant has to change, or only has to wait for, is in the conditions.
      const isOurs = outcome.result === "unknown" || outcome.result === "transient";
      log(isOurs ? "warn" : "info", "a look failed", {
        work: nameWork(lease),
        result: outcome.result,
        error: describeError(error),
      });
    }
    metrics.reconcileDuration.observe({ kind, result: outcome.result }, (performance.now() - startedMs) / 1_000);
    if (outcome.failed) metrics.retries.inc({ kind });
    await giveBack(held, outcome);
    return outcome;
  }

  async function giveBack(held: HeldLease, outcome: Outcome): Promise<void> {
    const { lease } = held;
    try {
      if (outcome.isGone === true) return;
      const failures = outcome.failed ? lease.failures + 1 : 0;
      const isHeld = await releaseWork(database, lease, { requeueAfterMs: outcome.requeueAfterMs, failures });
      if (!isHeld) metrics.lostLeases.inc({ kind: lease.kind });
      if (outcome.requeueAfterMs <= soonMs) options.lookAgain(outcome.requeueAfterMs + 2);
    } catch (error) {
      log("warn", "a lease could not be given back; it ends by itself", {
        work: nameWork(lease),
        error: describeError(error),
      });
    } finally {
      keeper.drop(held);
    }
  }

  function start(lease: Lease, takenAt: Moment): Promise<Outcome> {
    const kind = lease.kind === "cluster" ? "cluster" : "revision";
    const held = keeper.hold(lease, takenAt, { mostMs: options.longestLookMs[kind] });
    const ended = look(held).finally(() => {
      running.delete(held);
      limits.release(lease.shard);
      if (wasSaturated) options.lookAgain(gatherMs);
    });
    running.set(held, ended);
    return ended;
  }

  /** Answers the looks that have begun, by object, and the items for which there was no place. */
  async function claim(items: readonly DueItem[]): Promise<Claimed> {
    if (isDraining) return { begun: new Map(), left: [] };
    const claimed = claimNow(items);
    claiming.add(claimed);
    try {
      return await claimed;
    } finally {
      claiming.delete(claimed);
    }
  }

  async function claimNow(items: readonly DueItem[]): Promise<Claimed> {
    const admitted: DueItem[] = [];
    const left: DueItem[] = [];
    for (const item of items) (limits.tryAcquire(item.shard) ? admitted : left).push(item);
    wasSaturated = left.length > 0;
    const takenAt = readMoment();
    let leases: Lease[] = [];
    try {
      leases = await claimWork(database, holder, admitted);
    } finally {
      const taken = new Set(leases.map(nameWork));
      for (const item of admitted) if (!taken.has(nameWork(item))) limits.release(item.shard);
    }
    if (!isDraining) return { begun: new Map(leases.map((lease) => [nameWork(lease), start(lease, takenAt)])), left };
    for (const lease of leases) {
      limits.release(lease.shard);
      await releaseWork(database, lease, { requeueAfterMs: 0, failures: lease.failures });
    }
    return { begun: new Map(), left: [] };
  }

  /** Due items, the longest waiting first: those that the last list left over, or of a new one. Who claims them finds out whether they still are due. */
  async function findDue(): Promise<readonly DueItem[]> {
    const blockedShards = [...options.listBlockedShards(), ...limits.listFull()];
    if (performance.now() - ahead.listedAtMs < aheadMs) {
      const waiting = ahead.items.filter(({ shard }) => !blockedShards.includes(shard));
      if (waiting.length > 0) return waiting;
    }
    const listedAtMs = performance.now();
    const items = await listDueWork(database, {
      kinds,
      limit: limits.free() + listAhead,
      limitPerShard: 2 * limits.perShard,
      blockedShards,
    });
    ahead = { items: [], listedAtMs };
    return items;
  }

  return {
    async takeDueWork() {
      if (isDraining || limits.free() <= 0) {
        wasSaturated = true;
        return;
      }
      const due = await findDue();
      if (due.length === 0) return;
      const { left } = await claim(due);
      ahead = { ...ahead, items: left };
    },

    take: async (items) => (await claim(items)).begun.size,

    async runItem(key) {
      const { kind, objectId } = key;
      const due = await listDueWork(database, {
        kinds: [kind],
        objectId,
        limit: 1,
        limitPerShard: 1,
        blockedShards: options.listBlockedShards(),
      });
      return (await claim(due)).begun.get(nameWork(key));
    },

    countRunning: () => running.size,

    async drain(graceMs) {
      isDraining = true;
      const timer = setTimeout(() => {
        for (const held of running.keys()) held.cancel();
      }, graceMs);
      await Promise.allSettled(claiming);
      await Promise.allSettled(running.values());
      clearTimeout(timer);
    },
  };
}
