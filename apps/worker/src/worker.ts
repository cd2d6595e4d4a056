import { hostname } from "node:os";
import { randomUUID } from "node:crypto";
import {
  boundWaits,
  connectDatabase,
  eraseExpired,
  eraseOldEvents,
  eraseOldSamples,
  registerSealingKeys,
  removeWorkerReport,
  sampleUsage,
  type WorkKey,
} from "@pilothouse/core";
import type { DnsPublisher, ProviderConfig } from "@pilothouse/provisioner";
import { createEngine } from "./engine/engine.ts";
import { createLeaseKeeper } from "./engine/lease-keeper.ts";
import { createLimits } from "./engine/limits.ts";
import { createPoller } from "./engine/poller.ts";
import { startQueueConsumer } from "./engine/queue-consumer.ts";
import { sweepMissedWork } from "./engine/sweep.ts";
import { createIstiodHealth, type HealthTimes } from "./health/istiod-health.ts";
import { createLoadWatch } from "./health/istiod-loads.ts";
import { type HttpAnswers, startHttpServer } from "./http-server.ts";
import { readKeyRing } from "./key-ring.ts";
import { describeError, type Log } from "./log.ts";
import { measureQueue } from "./measure-queue.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { Provisioner } from "./provisioner.ts";
import { createClusterReconciler } from "./reconcilers/reconcile-cluster.ts";
import { createRevisionReconciler } from "./reconcilers/reconcile-revision.ts";
import { createSentinelHost } from "./sentinel/sentinel-host.ts";
import type { SentinelTimes } from "./sentinel/sentinel.ts";
import { untilDatabaseAnswers } from "./until-database.ts";
import { endsWithin } from "./upkeep/ends-within.ts";
import { createJanitor } from "./upkeep/janitor.ts";
import { repeat } from "./upkeep/repeat.ts";
import { reportWork } from "./upkeep/report-work.ts";
import { rotateSealingKeys } from "./upkeep/rotate-keys.ts";
import type { WorkerConfig } from "./config.ts";

/** A worker that runs. */
export interface RunningWorker {
  /** Of /livez, /readyz and /metrics. */
  port: number;
  metrics: Metrics;
  /** Takes nothing more, lets what runs end, gives leases back, and closes everything. */
  stop: () => Promise<void>;
}

/** What a worker runs with. */
export interface WorkerOptions extends Omit<WorkerConfig, "provider"> {
  provider: ProviderConfig;
  dns: DnsPublisher;
  provisioner: Provisioner;
  log: Log;
  /** Times that tests make shorter. */
  times?: {
    sentinel?: SentinelTimes;
    health?: HealthTimes;
    /** Between two looks at what istiods count. */ loadMs?: number;
  };
  /** Share of the looks at a mesh cluster that also look for what nobody wants; another one in tests. */
  orphanLookShare?: number;
}

/** Longest time of one look, in milliseconds: what has not ended by then hangs, and is tried again. */
const longestLookMs = { cluster: 60_000, revision: 60_000 };
const pollIntervalMs = 500;
const sweepIntervalMs = 30_000;
const refreshIntervalMs = 15_000;
const stampIntervalMs = 5_000;
const retentionIntervalMs = 30_000;
const eventRetentionIntervalMs = 3_600_000;
const loadRoundMs = 2_000;
/** Three times a minute: it is sampled once in each, and none is missed by a run that comes late. */
const sampleIntervalMs = 20_000;
const sampleRetentionIntervalMs = 600_000;
const reportIntervalMs = 15_000;
const janitorIntervalMs = 300_000;
const rotationIntervalMs = 60_000;
/** Connected mesh clusters are looked at every ten minutes: for what nobody wants about once an hour. */
const orphanLookShare = 1 / 6;
/** A poll or a renewal that has not succeeded for so long is a problem, in milliseconds. */
const unreadyAfterMs = 10_000;
const deadAfterMs = 120_000;

/** After looks were ended, for what they hold and for the queue; what takes longer hangs. In milliseconds. */
const endReserveMs = 15_000;

/**
 * Starts a worker. It runs until it is stopped; faults of the database, the queue and the clusters do not end it, and one that starts before its database
 * waits for it, alive and not ready.
 * @throws Error when the folder of keys can't be used, or the port is taken; then nothing runs
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { provisioner, provider, dns, log, databaseUrl } = options;
  const holder = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const keys = await readKeyRing(options.sealingKeys);
  const metrics = createMetrics({ withProcess: true });
  const readRegistry = async () => ({
    contentType: metrics.registry.contentType,
    text: await metrics.registry.metrics(),
  });
  const answers: HttpAnswers = {
    findLivenessProblem: () => undefined,
    findReadinessProblem: () => "this worker waits for its database",
    readMetrics: readRegistry,
  };
  const server = await startHttpServer(options.http, answers);
  const database = connectDatabase(databaseUrl, 10);
  await untilDatabaseAnswers(log, () => registerSealingKeys(database, keys.listPublicKeys()));

  const leaseDatabase = connectDatabase(databaseUrl, 2);
  const keeper = createLeaseKeeper(leaseDatabase, log);
  const limits = createLimits(options.limits);
  const health = createIstiodHealth({
    database,
    provisioner,
    keys,
    metrics,
    log,
    onRecovered: () => poller.kick(),
    ...(options.times?.health === undefined ? {} : { times: options.times.health }),
  });
  await untilDatabaseAnswers(log, health.refresh);
  const dependencies = {
    database,
    provisioner,
    provider,
    dns,
    keys,
    tokenLifetimeSeconds: options.tokenLifetimeSeconds,
    onTrouble: health.look,
    janitor: options.janitor,
    orphanLookShare: options.orphanLookShare ?? orphanLookShare,
    log,
  };
  const engine = createEngine({
    database,
    holder,
    keeper,
    limits,
    reconcilers: {
      cluster: createClusterReconciler(dependencies),
      revision: createRevisionReconciler(dependencies),
    },
    longestLookMs,
    listBlockedShards: health.listBlocked,
    metrics,
    log,
    lookAgain: (afterMs) => poller.kick(afterMs),
  });
  const sentinels = createSentinelHost({
    ...options.sentinels,
    database,
    provisioner,
    provider,
    keys,
    holder,
    keeper,
    metrics,
    log,
    ...(options.times?.sentinel === undefined ? {} : { times: options.times.sentinel }),
  });
  const poller = createPoller(engine.takeDueWork, pollIntervalMs, log);
  const sentinelPoller = createPoller(sentinels.takeDue, pollIntervalMs, log);
  const takeJob = (key: WorkKey): void => {
    if (key.kind === "sentinel") return sentinelPoller.kick();
    engine.runItem(key).catch((error: unknown) => {
      log("warn", "a job's object could not be taken; the poller takes it", { error: describeError(error) });
    });
  };
  const consumer = startQueueConsumer({ databaseUrl, redisUrl: options.redisUrl, onJob: takeJob, log });
  const janitor = createJanitor({
    database,
    provisioner,
    keys,
    mode: options.janitor,
    listBlockedShards: health.listBlocked,
    metrics,
    log,
  });
  const stopping = new AbortController();
  const sweep = (): Promise<unknown> =>
    sweepMissedWork({
      database,
      limits,
      listBlockedShards: health.listBlocked,
      take: engine.take,
      metrics,
      log,
      signal: stopping.signal,
    }).catch((error: unknown) => {
      if (!stopping.signal.aborted) throw error;
    });
  const loads = createLoadWatch({
    database,
    provisioner,
    keys,
    listWatched: sentinels.listWatched,
    listBlockedShards: health.listBlocked,
    signal: stopping.signal,
    log,
    ...(options.times?.loadMs === undefined ? {} : { intervalMs: options.times.loadMs }),
  });
  const report = (): Promise<void> => reportWork({ database, holder, metrics, engine, sentinels, health });
  const repetitions = [
    repeat("the sweep", sweepIntervalMs, sweep, { log }),
    repeat("bringing back what waits too long", sweepIntervalMs, () => boundWaits(database), { log }),
    repeat("looking for istiod clusters", refreshIntervalMs, health.refresh, { log }),
    repeat("following changes", stampIntervalMs, sentinels.followChanges, { log }),
    repeat("asking istiods what they count", loadRoundMs, loads.round, { log }),
    repeat("sampling use", sampleIntervalMs, () => sampleUsage(database), { log, firstMs: 0 }),
    repeat("retention of samples", sampleRetentionIntervalMs, () => eraseOldSamples(database), { log }),
    repeat("reporting", reportIntervalMs, report, { log, firstMs: 1_000 }),
    repeat("retention", retentionIntervalMs, () => eraseExpired(database), { log }),
    repeat("retention of events", eventRetentionIntervalMs, () => eraseOldEvents(database), { log }),
    repeat(
      "looking after sealing keys",
      rotationIntervalMs,
      () => rotateSealingKeys({ database, keys, metrics, log }),
      { log },
    ),
    repeat("the janitor", janitorIntervalMs, janitor.sweep, { log }),
  ];
  const isOverdue = (sinceMs: number, mostMs: number): boolean => performance.now() - sinceMs > mostMs;
  const runningAnswers: HttpAnswers = {
    findLivenessProblem: () =>
      isOverdue(Math.max(poller.lastGoodMs(), keeper.lastRenewedMs()), deadAfterMs)
        ? "nothing has succeeded for two minutes"
        : undefined,
    findReadinessProblem() {
      if (stopping.signal.aborted) return "this worker is stopping";
      if (isOverdue(poller.lastGoodMs(), unreadyAfterMs)) return "the database could not be polled";
      return isOverdue(keeper.lastRenewedMs(), unreadyAfterMs) ? "leases could not be renewed" : undefined;
    },
    async readMetrics() {
      metrics.sentinelsOpen.set(sentinels.countOpen());
      await measureQueue(database, metrics, log);
      return readRegistry();
    },
  };
  Object.assign(answers, runningAnswers);
  log("info", "the worker runs", { holder, port: server.port });

  async function end(): Promise<void> {
    // Nothing of this holds up that leases are given back.
    const upkeep = [consumer.stop(), ...repetitions.map((one) => one.stop())];
    await Promise.all([poller.stop(), sentinelPoller.stop()]);
    await Promise.all([engine.drain(options.drainMs), sentinels.drain()]);
    await removeWorkerReport(database, holder).catch((error: unknown) => {
      log("warn", "the report could not be taken back", { error: describeError(error) });
    });
    await Promise.all([...upkeep, keeper.stop(), health.stop()]);
    await Promise.all([database.$disconnect(), leaseDatabase.$disconnect()]);
  }

  return {
    port: server.port,
    metrics,
    async stop() {
      log("info", "the worker stops");
      stopping.abort();
      const hasEnded = await endsWithin(options.drainMs + endReserveMs, end());
      await server.stop();
      if (hasEnded) {
        log("info", "the worker has stopped");
        return;
      }
      log("error", "the worker stops although something of it hangs; its leases end by themselves");
      void keeper.stop();
    },
  };
}
