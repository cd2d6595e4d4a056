import type { WorkerReport } from "@pilothouse/contract";
import { type Database, saveWorkerReport } from "@pilothouse/core";
import type { Engine } from "../engine/engine.ts";
import type { IstiodHealth } from "../health/istiod-health.ts";
import type { Metrics } from "../metrics.ts";
import type { SentinelHost } from "../sentinel/sentinel-host.ts";

export interface ReportOptions {
  database: Database;
  /** The name under which this worker takes leases. */
  holder: string;
  metrics: Metrics;
  engine: Pick<Engine, "countRunning">;
  sentinels: Pick<SentinelHost, "countOpen">;
  health: Pick<IstiodHealth, "listStates">;
}

/** Writes down how this worker gets on, for operators: what its own metrics say, in a row. */
export async function reportWork(options: ReportOptions): Promise<void> {
  const { database, holder, metrics, engine, sentinels, health } = options;
  const count = async (
    counter: Pick<Metrics["retries"] | Metrics["sweepCorrections"], "get">,
    kind?: string,
  ): Promise<number> => {
    const { values } = await counter.get();
    const wanted = values.filter(({ labels }) => kind === undefined || Reflect.get(labels, "kind") === kind);
    return wanted.reduce((sum, { value }) => sum + value, 0);
  };
  const report: WorkerReport = {
    running: engine.countRunning(),
    sentinels: sentinels.countOpen(),
    corrections: await count(metrics.sweepCorrections),
    lostLeases: await count(metrics.lostLeases),
    retries: { cluster: await count(metrics.retries, "cluster"), revision: await count(metrics.retries, "revision") },
    breakers: health.listStates(),
  };
  await saveWorkerReport(database, holder, report);
}
