import {
  claimWork,
  dropWork,
  type Lease,
  listDueWork,
  listWatchStamps,
  loadRevision,
  nameWork,
  releaseWork,
  type RevisionWork,
  saveSentinelSighting,
  type WatchStamp,
} from "@pilothouse/core";
import { readMoment } from "@pilothouse/provisioner";
import { describeProofs } from "../describe-proofs.ts";
import type { HeldLease, LeaseKeeper } from "../engine/lease-keeper.ts";
import { describeError, type Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Dependencies } from "../reconcilers/dependencies.ts";
import { nameFault, notConnected } from "../reconcilers/name-fault.ts";
import { openMesh } from "../reconcilers/open-access.ts";
import { type Sentinel, type SentinelTimes, startSentinel } from "./sentinel.ts";
import { createTurns } from "./turns.ts";

export interface SentinelHostOptions extends Pick<Dependencies, "database" | "provisioner" | "provider" | "keys"> {
  holder: string;
  keeper: LeaseKeeper;
  /** Most sentinels of this worker. */
  most: number;
  /** Most that begin to look at the same time. */
  mostLooking: number;
  metrics: Metrics;
  log: Log;
  times?: SentinelTimes;
}

/** This worker's sentinels: one for each of its leases of that kind. */
export interface SentinelHost {
  /** Takes sentinels that nobody holds. */
  takeDue: () => Promise<void>;
  /** Ends or renews those whose revision has changed. */
  followChanges: () => Promise<void>;
  countOpen: () => number;
  /** Revisions that this worker watches. */
  listWatched: () => { revisionId: string; istiodCluster: string }[];
  /** Ends all and gives their leases back. */
  drain: () => Promise<void>;
}

interface Post {
  held: HeldLease;
  stamp: WatchStamp | undefined;
  sentinel: Sentinel | undefined;
  stop: AbortController;
  /** When it is begun anew, on the monotonic clock. */
  untilMs: number;
  ended: Promise<void>;
}

/** Most taken at a time, so that several workers that start together share. */
const batchSize = 50;
/** A look at what answers takes less; one that takes longer waits for what does not answer, and lets others begin. In milliseconds. */
const turnMs = 250;
/** What it watches through lives for 24 days: it is begun anew long before, spread by a fifth to both sides. In milliseconds. */
const longestWatchMs = 7 * 86_400_000;
/** When a sentinel could not even begin, another worker may try after so long, in milliseconds. */
const failedStartMs = 10_000;

export function createSentinelHost(options: SentinelHostOptions): SentinelHost {
  const { database, holder, keeper, metrics, log } = options;
  const posts = new Map<string, Post>();
  const takeTurn = createTurns(options.mostLooking, turnMs);
  let isDraining = false;

  function begin(lease: Lease, takenAt: ReturnType<typeof readMoment>): void {
    const id = lease.objectId;
    const stop = new AbortController();
    const held = keeper.hold(lease, takenAt, {
      onWake() {
        const post = posts.get(id);
        if (post?.held === held) post.sentinel?.lookClosely();
      },
    });
    const untilMs = performance.now() + longestWatchMs * (0.8 + 0.4 * Math.random());
    const post: Post = { held, stamp: undefined, sentinel: undefined, stop, untilMs, ended: Promise.resolve() };
    posts.set(id, post);
    post.ended = serve(post).finally(() => {
      keeper.drop(held);
      if (posts.get(id) === post) posts.delete(id);
    });
  }

  async function serve(post: Post): Promise<void> {
    const { held, stop } = post;
    const { lease } = held;
    const signal = AbortSignal.any([stop.signal, held.deadline.signal]);
    let requeueAfterMs = 0;
    let work: RevisionWork | undefined;
    try {
      work = await loadRevision(database, lease.objectId);
      if (work === undefined || work.deletionRequestedAt !== null) {
        await dropWork(database, lease);
        return;
      }
      const { mesh } = work;
      if (mesh === null) throw notConnected(work);
      const watched = work;
      post.stamp = { id: work.id, generation: work.generation, isEnding: false, tokenId: mesh.token.binding.id };
      post.sentinel = startSentinel({
        revisionId: work.id,
        prober: await openProber(work, mesh),
        condition: work.conditions.find(({ type }) => type === "Serving"),
        save: (condition, { proofs, wakeRevision }) =>
          save(held, watched, { condition, proofs: describeProofs(proofs), wakeRevision }),
        takeTurn,
        signal,
        metrics,
        log,
        ...(options.times === undefined ? {} : { times: options.times }),
      });
      await post.sentinel.ended;
    } catch (error) {
      log("warn", "a sentinel could not begin", { work: nameWork(lease), error: describeError(error) });
      requeueAfterMs = failedStartMs;
      if (work !== undefined) await sayUnwatched(held, work, error);
    } finally {
      await giveBack(held, requeueAfterMs);
    }
  }

  /** Nobody sees whether it serves: what was known last may be wrong by now. */
  async function sayUnwatched(held: HeldLease, work: RevisionWork, error: unknown): Promise<void> {
    const fault = nameFault(error);
    if (fault === undefined) return;
    const { code: reason, message } = fault;
    const condition = { type: "Serving", status: "Unknown", reason, message } as const;
    try {
      await saveSentinelSighting(database, held.lease, work, { condition, proofs: [], wakeRevision: false });
    } catch (failure) {
      log("warn", "a sentinel's finding could not be stored", { revision: work.id, error: describeError(failure) });
    }
  }

  async function openProber(work: RevisionWork, mesh: NonNullable<RevisionWork["mesh"]>) {
    const { provisioner, provider, keys } = options;
    const revision = { id: work.id, hostname: work.hostname, version: work.version.version };
    return provisioner.openProber({ mesh: await openMesh(keys, mesh), revision }, provider);
  }

  async function save(
    held: HeldLease,
    work: RevisionWork,
    sighting: Parameters<typeof saveSentinelSighting>[3],
  ): Promise<void> {
    if (!(await saveSentinelSighting(database, held.lease, work, sighting))) held.cancel();
  }

  async function giveBack(held: HeldLease, requeueAfterMs: number): Promise<void> {
    try {
      await releaseWork(database, held.lease, { requeueAfterMs, failures: 0 });
    } catch (error) {
      log("warn", "a sentinel's lease could not be given back; it ends by itself", { error: describeError(error) });
    }
  }

  return {
    async takeDue() {
      const room = Math.min(batchSize, options.most - posts.size);
      if (isDraining || room <= 0) return;
      const due = await listDueWork(database, {
        kinds: ["sentinel"],
        limit: room,
        limitPerShard: room,
        blockedShards: [],
      });
      const free = due.filter(({ objectId }) => !posts.has(objectId));
      const takenAt = readMoment();
      for (const lease of await claimWork(database, holder, free)) begin(lease, takenAt);
    },

    async followChanges() {
      // Those that begin while the answer is awaited are not in it.
      const asked = [...posts].filter(([, { stamp }]) => stamp !== undefined);
      const ids = asked.map(([id]) => id);
      const stamps = new Map((await listWatchStamps(database, ids)).map((stamp) => [stamp.id, stamp]));
      for (const [id, post] of asked) {
        if (post.stamp === undefined) continue;
        const now = stamps.get(id);
        const isSame =
          now?.isEnding === false && now.generation === post.stamp.generation && now.tokenId === post.stamp.tokenId;
        // The lease is given back; whoever takes it next reads everything anew.
        if (!isSame || performance.now() >= post.untilMs) post.stop.abort();
      }
    },

    countOpen: () => [...posts.values()].filter(({ sentinel }) => sentinel?.isOpen() === true).length,

    listWatched: () =>
      [...posts.values()]
        .filter(({ stamp }) => stamp !== undefined)
        .map(({ held: { lease } }) => ({ revisionId: lease.objectId, istiodCluster: lease.shard })),

    async drain() {
      isDraining = true;
      const all = [...posts.values()];
      for (const { stop } of all) stop.abort();
      await Promise.allSettled(all.map(({ ended }) => ended));
    },
  };
}
