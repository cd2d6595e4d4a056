import {
  type Database,
  loadIstiodClusters,
  saveIstiodClusterHealth,
  type StoredIstiodCluster,
  wakeShard,
} from "@pilothouse/core";
import { ProvisionerError } from "@pilothouse/provisioner";
import {
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  handleAll,
  isBrokenCircuitError,
} from "cockatiel";
import type { KeyRing } from "../key-ring.ts";
import { describeError, type Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { HealthCheck, Provisioner } from "../provisioner.ts";
import { openIstiodCluster } from "../reconcilers/open-access.ts";

/** Times of the checks, in milliseconds. */
export interface HealthTimes {
  intervalMs: number;
  timeoutMs: number;
  /** From a first failure to the check that decides. */
  closerLookMs: number;
  /** Between tries whether a cluster is back. */
  halfOpenAfterMs: number;
}

const healthTimes: HealthTimes = {
  intervalMs: 15_000,
  timeoutMs: 3_000,
  closerLookMs: 500,
  halfOpenAfterMs: 2_000,
};

/**
 * Whether istiod clusters' API servers answer. The circuit breaker of each counts these checks, not the reconciles: a reconcile calls two clusters, so
 * that its failure says nothing of which one, and the try whether a cluster is back should be cheap and no tenant's.
 */
export interface IstiodHealth {
  /** Takes up clusters that are new or changed. */
  refresh: () => Promise<void>;
  /** Shards whose breaker is not closed. */
  listBlocked: () => string[];
  /** Each shard with what its breaker says. */
  listStates: () => { istiodCluster: string; state: "closed" | "open" | "half-open" }[];
  /** Something went wrong there: look now. */
  look: (shard: string) => void;
  stop: () => Promise<void>;
}

export interface IstiodHealthOptions {
  database: Database;
  provisioner: Provisioner;
  keys: KeyRing;
  metrics: Metrics;
  log: Log;
  times?: HealthTimes;
  /** A cluster answers again. */
  onRecovered: () => void;
}

interface Watched {
  stamp: string;
  check: HealthCheck | undefined;
  /** Why there is no check. */
  problem: { message: string; isOwn: boolean } | undefined;
  breaker: CircuitBreakerPolicy;
  timer: NodeJS.Timeout | undefined;
  current: Promise<void> | undefined;
  checkedAtMs: number;
  isStopped: boolean;
}

/** Two checks asked for by trouble are at least so far apart, in milliseconds. */
const leastApartMs = 1_000;

export function createIstiodHealth(options: IstiodHealthOptions): IstiodHealth {
  const { database, provisioner, keys, metrics, log, times = healthTimes } = options;
  const watched = new Map<string, Watched>();

  async function check(name: string, one: Watched): Promise<void> {
    one.checkedAtMs = performance.now();
    let message = "Its API server answers.";
    let healthy = true;
    try {
      await one.breaker.execute(async () => {
        if (one.check === undefined) throw new Error(one.problem?.message);
        await one.check.check(times.timeoutMs);
      });
    } catch (error) {
      healthy = false;
      if (isBrokenCircuitError(error)) return plan(name, one, times.closerLookMs);
      message = error instanceof Error ? error.message : String(error);
    }
    // The first failure only starts a closer look.
    if (!healthy && one.breaker.state === CircuitState.Closed) return plan(name, one, times.closerLookMs);
    // What only this worker can't see is not for all to read.
    const isTold = one.problem?.isOwn !== true;
    try {
      if (isTold) await saveIstiodClusterHealth(database, name, { healthy, message });
    } catch (error) {
      log("warn", "an istiod cluster's health could not be stored", { shard: name, error: describeError(error) });
    }
    plan(name, one, healthy ? times.intervalMs * (0.9 + 0.2 * Math.random()) : times.halfOpenAfterMs + 50);
  }

  function plan(name: string, one: Watched, afterMs: number): void {
    clearTimeout(one.timer);
    if (one.isStopped) return;
    one.timer = setTimeout(() => {
      if (one.current !== undefined) return;
      one.current = check(name, one)
        .catch((error: unknown) => {
          log("error", "a health check failed", { shard: name, error: describeError(error) });
          plan(name, one, times.intervalMs);
        })
        .finally(() => {
          one.current = undefined;
        });
    }, afterMs);
  }

  function createBreaker(name: string): CircuitBreakerPolicy {
    const breaker = circuitBreaker(handleAll, {
      halfOpenAfter: times.halfOpenAfterMs,
      breaker: new ConsecutiveBreaker(2),
    });
    metrics.breakerState.set({ shard: name }, 0);
    breaker.onStateChange((state) => {
      metrics.breakerState.set(
        { shard: name },
        state === CircuitState.Closed ? 0 : state === CircuitState.Open ? 1 : 2,
      );
      if (state === CircuitState.Open)
        log("warn", "an istiod cluster does not answer; nothing is sent there", { shard: name });
      if (state === CircuitState.Closed) void recover(name);
    });
    return breaker;
  }

  async function recover(name: string): Promise<void> {
    try {
      const woken = await wakeShard(database, name, ["revision"]);
      log("info", "an istiod cluster answers again", { shard: name, woken });
    } catch (error) {
      log("warn", "objects of a shard could not be woken", { shard: name, error: describeError(error) });
    }
    options.onRecovered();
  }

  async function begin(cluster: StoredIstiodCluster, former: Watched | undefined): Promise<void> {
    const stamp = stampOf(cluster);
    const opened = await openIstiodCluster(keys, cluster).catch((error: unknown) => {
      const isOwn = error instanceof ProvisionerError && error.code === "SealedToUnknownKey";
      const message = error instanceof ProvisionerError ? error.message : "Its kubeconfig can't be used.";
      if (former?.stamp !== stamp || former.problem?.message !== message)
        log("warn", "an istiod cluster can't be used", { shard: cluster.name, error: describeError(error) });
      return { problem: { message, isOwn } };
    });
    const one: Watched = {
      stamp,
      ...("problem" in opened
        ? { check: undefined, problem: opened.problem }
        : { check: provisioner.openHealthCheck(opened), problem: undefined }),
      breaker: former?.breaker ?? createBreaker(cluster.name),
      timer: undefined,
      current: undefined,
      checkedAtMs: 0,
      isStopped: false,
    };
    watched.set(cluster.name, one);
    plan(cluster.name, one, 0);
  }

  async function end(one: Watched): Promise<void> {
    one.isStopped = true;
    clearTimeout(one.timer);
    await one.check?.close();
    await one.current;
  }

  return {
    async refresh() {
      const clusters = await loadIstiodClusters(database);
      const names = new Set(clusters.map(({ name }) => name));
      for (const [name, one] of watched) {
        if (names.has(name)) continue;
        watched.delete(name);
        metrics.breakerState.remove({ shard: name });
        await end(one);
      }
      for (const cluster of clusters) {
        const former = watched.get(cluster.name);
        // What could not be opened is tried again: the key may have come.
        if (former?.stamp === stampOf(cluster) && former.check !== undefined) continue;
        if (former !== undefined) await end(former);
        await begin(cluster, former);
      }
    },

    listBlocked: () =>
      [...watched].filter(([, { breaker }]) => breaker.state !== CircuitState.Closed).map(([name]) => name),

    listStates: () =>
      [...watched].map(([istiodCluster, { breaker }]) => ({ istiodCluster, state: nameState(breaker.state) })),

    look(shard) {
      const one = watched.get(shard);
      if (one === undefined || one.current !== undefined) return;
      if (performance.now() - one.checkedAtMs >= leastApartMs) plan(shard, one, 0);
    },

    async stop() {
      await Promise.allSettled([...watched.values()].map(end));
    },
  };
}

function nameState(state: CircuitState): "closed" | "open" | "half-open" {
  if (state === CircuitState.Closed) return "closed";
  return state === CircuitState.HalfOpen ? "half-open" : "open";
}

const stampOf = ({ access }: StoredIstiodCluster): string => access?.binding.id ?? "";
