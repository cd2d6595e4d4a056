import { jobSchema, queueName } from "@pilothouse/contract";
import { queueSchema, type WorkKey } from "@pilothouse/core";
import { createPostgresBackend, Worker } from "bullmq";
import { describeError, type Log } from "../log.ts";

export interface QueueConsumer {
  stop: () => Promise<void>;
}

/**
 * So that a killed worker's jobs move on in seconds, and no number of kills parks one as failed for good. In milliseconds where they are times.
 */
const settings = { lockDuration: 5_000, stalledInterval: 2_000, maxStalledCount: 1_000_000_000, concurrency: 10 };

/**
 * Takes jobs from the queue. A job says "look at once" and nothing else: it is done when the looking has begun, and nothing is lost with one that is
 * lost. The processor never throws.
 * @param onJob begins the looking and returns at once
 */
export function startQueueConsumer(options: {
  databaseUrl: string;
  redisUrl?: string | undefined;
  onJob: (key: WorkKey) => void;
  log: Log;
}): QueueConsumer {
  const { databaseUrl, redisUrl, onJob, log } = options;
  const process = async (job: { data: unknown }): Promise<void> => {
    const parsed = jobSchema.safeParse(job.data);
    if (parsed.success) onJob({ kind: parsed.data.kind, objectId: parsed.data.id });
    else log("warn", "a job of an unknown form was dropped");
  };
  const common = { ...settings, removeOnComplete: { count: 0 }, removeOnFail: { count: 100 } };
  const worker =
    redisUrl === undefined
      ? new Worker(
          queueName,
          process,
          { ...common, connection: { connectionString: databaseUrl, schema: queueSchema, migrate: false } },
          createPostgresBackend,
        )
      : new Worker(queueName, process, { ...common, connection: { url: redisUrl, maxRetriesPerRequest: null } });
  // The poller finds what the queue does not bring; without a listener an error would end the process.
  worker.on("error", (error) => log("warn", "the queue failed", { error: describeError(error) }));
  return {
    async stop() {
      await worker.close(true).catch((error: unknown) => {
        log("warn", "the queue did not close in order", { error: describeError(error) });
      });
    },
  };
}
