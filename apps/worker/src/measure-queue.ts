import { type Database, measureDueWork } from "@pilothouse/core";
import { describeError, type Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";

const kinds = ["cluster", "revision", "sentinel"] as const;

/** Sets what is measured in the database. While that can't be read, nothing is said of it: an old number would look like a true one. */
export async function measureQueue(database: Database, metrics: Metrics, log: Log): Promise<void> {
  const gauges = [metrics.workDue, metrics.workHeld, metrics.queueLag];
  try {
    const found = await measureDueWork(database);
    for (const kind of kinds) {
      // A sentinel that is watched is due all the time; only those that nobody holds wait.
      const { due = 0, held = 0, oldestMs = 0 } = found.find((one) => one.kind === kind) ?? {};
      metrics.workDue.set({ kind }, due);
      metrics.workHeld.set({ kind }, held);
      metrics.queueLag.set({ kind }, oldestMs / 1_000);
    }
  } catch (error) {
    for (const gauge of gauges) gauge.reset();
    log("warn", "the queue could not be measured", { error: describeError(error) });
  }
}
