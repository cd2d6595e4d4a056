import { setTimeout as sleep } from "node:timers/promises";
import { queueName } from "@pilothouse/contract";
import { createPostgresBackend, Worker } from "bullmq";
import { expect, inject, test } from "vitest";
import { createJobQueue, queueSchema } from "../src/index.ts";
import { makeName, useGround } from "./support/fixture.ts";

const ground = useGround();
const stores = ["postgres", "redis"] as const;

test.each(stores)("%s: wishes for one object become one job that waits, and one more while it runs", async (store) => {
  const redisUrl = store === "redis" ? inject("redisUrl") : undefined;
  const queue = createJobQueue({ databaseUrl: ground().copy.web, redisUrl });
  const id = makeName(`object-${Date.now()}`);
  const wake = (count: number) =>
    Promise.all(Array.from({ length: count }, () => queue.wake({ kind: "revision", id })));
  await wake(20);
  const runs: unknown[] = [];
  const gate = Promise.withResolvers<undefined>();
  const process = async (job: { data: unknown }): Promise<void> => {
    runs.push(job.data);
    if (runs.length === 1) await gate.promise;
  };
  const worker =
    redisUrl === undefined
      ? new Worker(
          queueName,
          process,
          { connection: { connectionString: ground().copy.worker, schema: queueSchema, migrate: false } },
          createPostgresBackend,
        )
      : new Worker(queueName, process, { connection: { url: redisUrl, maxRetriesPerRequest: null } });
  worker.on("error", () => {});
  await expect.poll(() => runs.length, { timeout: 10_000 }).toBe(1);
  await wake(20);
  gate.resolve(undefined);
  await expect.poll(() => runs.length, { timeout: 10_000 }).toBe(2);
  await sleep(300);
  expect(runs).toEqual([
    { kind: "revision", id },
    { kind: "revision", id },
  ]);
  await worker.close(true);
  await queue.close();
});

test.each([
  { store: "postgres", databaseUrl: "postgres://pilothouse_web:x@127.0.0.1:1/none", redisUrl: undefined },
  { store: "redis", databaseUrl: "", redisUrl: "redis://127.0.0.1:1" },
])(
  "$store: a queue that can't be reached costs a second at most and ends nothing",
  async ({ databaseUrl, redisUrl }) => {
    const queue = createJobQueue({ databaseUrl, redisUrl });
    const startedAt = performance.now();
    await expect(queue.wake({ kind: "cluster", id: "x" })).rejects.toThrow(
      /ECONNREFUSED|did not take a job|Connection is closed|writeable/,
    );
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    await Promise.race([queue.close().catch(() => {}), sleep(2_000)]);
  },
);
