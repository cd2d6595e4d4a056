import { setTimeout as sleep } from "node:timers/promises";
import { isDatabaseError } from "@pilothouse/core";
import { describeError, type Log } from "./log.ts";

/** Between two tries, in milliseconds. */
const retryMs = 1_000;

/** Does `work`, again and again as long as it fails because of the database: a worker that starts before its database waits for it. */
export async function untilDatabaseAnswers(log: Log, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      log("warn", "the database does not answer; the worker begins when it does", { error: describeError(error) });
      await sleep(retryMs);
    }
  }
}
