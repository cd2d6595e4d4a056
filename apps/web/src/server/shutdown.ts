import { describeError, log } from "./log.ts";
import { getService } from "./service.ts";

/** Longest time from a signal to the end of the process, in milliseconds: a little more than one request may take. */
const shutdownLimitMs = 25_000;

/**
 * Makes the service at once, so that a wrong environment stops the start, and ends its streams when the process is told to stop: Next waits
 * for open answers before it exits, and streams have no end of their own.
 */
export function watchSignals(): void {
  const service = getService();
  const shutDown = (signal: NodeJS.Signals) => {
    log("info", "shutting down", { signal });
    service.streams.close();
    setTimeout(() => {
      log("warn", "answers were still open when the time to shut down was over");
      process.exit(1);
    }, shutdownLimitMs).unref();
    service.events.close().catch((error: unknown) => {
      log("warn", "the event hub did not close", describeError(error));
    });
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, shutDown);
}
