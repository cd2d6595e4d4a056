import { setTimeout as sleep } from "node:timers/promises";
import { type Job, jobKey, queueName } from "@pilothouse/contract";
import { createPostgresBackend, Queue } from "bullmq";
import { queueSchema } from "../database/ensure-database.ts";

/** The producing end of the queue. */
export interface JobQueue {
  /** Says that an object wants to be looked at. At most one job per object waits, beside one that runs. */
  wake: (job: Job) => Promise<void>;
  close: () => Promise<void>;
}

/** Longest time that a wake may take, in milliseconds. The poller finds the object by itself within half a second. */
const wakeTimeoutMs = 1_000;

/** Most connections to the database that adding jobs may hold. */
const poolSize = 3;

/**
 * Opens the queue to add jobs: on Redis when there is a URL of one, else on the database. There are no delayed jobs, and jobs that are done leave
 * nothing behind. A queue that can't be reached costs a wake at most a second and ends nothing: connections come back by themselves.
 * @param options.onError told of connections that were lost
 */
export function createJobQueue(options: {
  databaseUrl: string;
  redisUrl?: string | undefined;
  onError?: (error: Error) => void;
}): JobQueue {
  const queue = createQueue(options.databaseUrl, options.redisUrl);
  // Without a listener an error would end the process.
  queue.on("error", (error) => options.onError?.(error));
  return {
    wake: (job) =>
      withLimit(
        queue.add(job.kind, job, { deduplication: { id: jobKey(job), keepLastIfActive: true } }).then(() => undefined),
      ),
    close: () => queue.close(),
  };
}

function createQueue(databaseUrl: string, redisUrl: string | undefined) {
  const defaultJobOptions = { removeOnComplete: true, removeOnFail: true };
  if (redisUrl !== undefined) {
    // Without a connection a job is refused at once instead of being kept in memory until there is one.
    const connection = { url: redisUrl, enableOfflineQueue: false, maxRetriesPerRequest: 1 };
    return new Queue(queueName, { connection, defaultJobOptions });
  }
  const connection = { connectionString: databaseUrl, schema: queueSchema, migrate: false, max: poolSize };
  return new Queue(queueName, { connection, defaultJobOptions }, createPostgresBackend);
}

async function withLimit(work: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const limit = sleep(wakeTimeoutMs, undefined, { signal: timer.signal, ref: false }).then(() => {
    throw new Error(`The queue did not take a job within ${wakeTimeoutMs} ms.`);
  });
  // Whichever of the two comes second has nobody who waits for it.
  limit.catch(() => {});
  work.catch(() => {});
  try {
    await Promise.race([work, limit]);
  } finally {
    timer.abort();
  }
}
