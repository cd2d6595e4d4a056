import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** What is counted and measured, each under its Prometheus name. */
export interface Metrics {
  registry: Registry;
  reconcileDuration: Histogram<"kind" | "result">;
  retries: Counter<"kind">;
  lostLeases: Counter<"kind">;
  sweepCorrections: Counter;
  probes: Counter<"probe" | "result">;
  breakerState: Gauge<"shard">;
  sentinelsOpen: Gauge;
  orphans: Gauge<"istiod_cluster">;
  resealedSecrets: Counter;
  olderSeals: Gauge;
  queueLag: Gauge<"kind">;
  workDue: Gauge<"kind">;
  workHeld: Gauge<"kind">;
}

/** @param withProcess adds memory, CPU and event loop of this process */
export function createMetrics({ withProcess }: { withProcess: boolean }): Metrics {
  const registry = new Registry();
  if (withProcess) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    reconcileDuration: new Histogram({
      name: "pilothouse_reconcile_duration_seconds",
      help: "Time of one look at an object, by how it ended",
      labelNames: ["kind", "result"],
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    retries: new Counter({
      name: "pilothouse_retries_total",
      help: "Looks that failed and are tried again after a wait",
      labelNames: ["kind"],
      registers,
    }),
    lostLeases: new Counter({
      name: "pilothouse_lost_leases_total",
      help: "Looks whose lease was over before they ended; nothing late was written",
      labelNames: ["kind"],
      registers,
    }),
    sweepCorrections: new Counter({
      name: "pilothouse_sweep_corrections_total",
      help: "Objects that poller and queue missed",
      registers,
    }),
    probes: new Counter({
      name: "pilothouse_probes_total",
      help: "Probes through the public edge, by what they found",
      labelNames: ["probe", "result"],
      registers,
    }),
    breakerState: new Gauge({
      name: "pilothouse_breaker_state",
      help: "Circuit breaker of an istiod cluster: 0 closed, 1 open, 2 half-open",
      labelNames: ["shard"],
      registers,
    }),
    sentinelsOpen: new Gauge({
      name: "pilothouse_sentinels_open",
      help: "Revisions that are watched by an open discovery stream",
      registers,
    }),
    orphans: new Gauge({
      name: "pilothouse_orphans",
      help: "Namespaces of revisions that no row wants",
      labelNames: ["istiod_cluster"],
      registers,
    }),
    resealedSecrets: new Counter({
      name: "pilothouse_resealed_secrets_total",
      help: "Secrets that were sealed anew to the newest key",
      registers,
    }),
    olderSeals: new Gauge({
      name: "pilothouse_secrets_sealed_to_older_keys",
      help: "Secrets that are sealed to another key than the newest",
      registers,
    }),
    queueLag: new Gauge({
      name: "pilothouse_queue_lag_seconds",
      help: "How long the object that is due for longest has waited",
      labelNames: ["kind"],
      registers,
    }),
    workDue: new Gauge({ name: "pilothouse_work_due", help: "Objects that wait", labelNames: ["kind"], registers }),
    workHeld: new Gauge({
      name: "pilothouse_work_held",
      help: "Objects that a worker holds",
      labelNames: ["kind"],
      registers,
    }),
  };
}
