import { setTimeout as sleep } from "node:timers/promises";
import { usualTiming } from "./event-stream.ts";
import { describeError, log } from "./log.ts";
import type { OpenRequests } from "./open-requests.ts";
import type { Service } from "./service.ts";

/** Longest time from a signal to the end of the process, in milliseconds: a little more than one request may take. */
const shutdownLimitMs = 25_000;
/** Of these, for connections to the database and the queue, which may be out of reach. */
const closeLimitMs = 2_000;

/**
 * Ends the process in order when it is told to stop: it is not ready any more and its event streams get their last message; once load
 * balancers had time to see that, it takes no more connections; requests that are being answered are finished; it leaves with 0, or with 1
 * when answers were still open at the end of the time.
 *
 * Next's own handlers, which are there by now, are taken off: they would not wait, and leave with 143.
 */
export function watchSignals(service: Service, requests: OpenRequests): void {
  let begun = false;
  const shutDown = (signal: NodeJS.Signals) => {
    // A terminal's interrupt comes twice: to the whole group, and from npm.
    if (begun) return;
    begun = true;
    log("info", "shutting down", { signal });
    setTimeout(() => {
      log("warn", "answers were still open when the time to shut down was over");
      process.exit(1);
    }, shutdownLimitMs).unref();
    void endInOrder(service, requests).then((code) => process.exit(code));
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.removeAllListeners(signal);
    process.on(signal, shutDown);
  }
}

async function endInOrder(service: Service, requests: OpenRequests): Promise<number> {
  try {
    service.streams.close();
    setTimeout(requests.dropStreams, usualTiming.farewellMs).unref();
    requests.turnAway();
    await sleep(service.shutdownNoticeMs);
    await requests.finish();
    // Nobody waits for what is let go of now.
    await Promise.race([service.close(), sleep(closeLimitMs)]);
    log("info", "shut down");
    return 0;
  } catch (error) {
    log("error", "shutting down failed", describeError(error));
    return 1;
  }
}
