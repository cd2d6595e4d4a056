"use client";
import { type Client, operations, ProblemError, type WatchedEvent, watchEvents } from "@pilothouse/contract";

/**
 * Whether what is shown follows what happens. `polling`: the stream is lost for now, so everything is read anew every few seconds; `unreachable`: not even
 * that is answered; `signedOut`: the session is over; `shutOut`: it may not see this any more; `paused`: nobody looks at the page.
 */
export type LiveStatus = "connecting" | "live" | "polling" | "unreachable" | "signedOut" | "shutOut" | "paused";

/** What a browser says of a page, and of its network. */
export interface PageSigns {
  isHidden: () => boolean;
  isOffline: () => boolean;
  /**
   * Calls back when one of the two may have changed, when the page gets the focus, and with true when the machine has slept. Returns what ends that.
   */
  onChange: (callback: (hasSlept: boolean) => void) => () => void;
}

/** All in milliseconds. */
export interface LiveTiming {
  /** How often everything that is shown is read anew while the stream is lost. */
  pollMs: number;
  /** How long a page may be hidden before its stream is closed. */
  hiddenMs: number;
}

export const usualLiveTiming: LiveTiming = { pollMs: 5_000, hiddenMs: 10_000 };

export interface FollowOptions {
  client: Client;
  /** Null for the events of all tenants. */
  tenant: string | null;
  /** Id of the event behind which the first stream begins: what is shown was read after it. */
  after: string;
  signs: PageSigns;
  timing: LiveTiming;
  /** Reads anew what an event is about, and nothing else. */
  follow: (event: WatchedEvent) => Promise<void>;
  /** The same for all that may have changed unseen. */
  readAll: () => Promise<void>;
  onStatus: (status: LiveStatus) => void;
}

/**
 * Follows a stream of events, and sees to it that no change stays unseen: whatever happened while there was none is read as soon as one stands again.
 * Returns what ends it.
 */
export function followStream(options: FollowOptions): () => void {
  const { client, signs, timing, follow, readAll, onStatus } = options;
  let status: LiveStatus = "connecting";
  let watching: AbortController | undefined;
  let polling: ReturnType<typeof setInterval> | undefined;
  let hiding: ReturnType<typeof setTimeout> | undefined;
  let isLooking = false;
  /** No stream will come by itself. */
  let isBroken = false;
  /** Something may have happened that no event tells of. */
  let isBehind = false;

  const say = (next: LiveStatus): void => {
    if (next !== status) onStatus(next);
    status = next;
  };
  const stopPolling = (): void => {
    clearInterval(polling);
    polling = undefined;
  };
  const end = (next: LiveStatus): void => {
    watching?.abort();
    watching = undefined;
    stopPolling();
    isBehind = true;
    say(next);
  };
  const start = (): void => {
    watching?.abort();
    isBroken = false;
    if (status !== "polling" && status !== "unreachable" && status !== "live") say("connecting");
    const mine = new AbortController();
    watching = mine;
    void watch(mine.signal).catch((error: unknown) => {
      if (watching !== mine) return;
      isBroken = true;
      settle(error);
    });
  };
  const watch = async (signal: AbortSignal): Promise<void> => {
    const events = watchEvents(client, {
      tenant: options.tenant,
      signal,
      ...(isBehind ? {} : { lastEventId: options.after }),
      onOpen: () => {
        stopPolling();
        say("live");
        if (isBehind) void readAll();
        isBehind = false;
      },
      onLost: poll,
      onReset: () => void readAll(),
    });
    for await (const event of events) void follow(event);
  };
  const settle = (error: unknown): void => {
    const refusal = judgeRefusal(error);
    if (refusal === undefined) poll();
    else end(refusal);
  };
  const poll = (): void => {
    isBehind = true;
    if (polling !== undefined) return;
    if (status !== "unreachable") say("polling");
    polling = setInterval(() => void look(), timing.pollMs);
    void look();
  };
  /** Asks for little first: what does not answer is not asked for everything. */
  const look = async (): Promise<void> => {
    if (isLooking) return;
    const mine = watching;
    isLooking = true;
    try {
      await client.call(operations.whoAmI, { signal: AbortSignal.timeout(timing.pollMs) });
      if (polling === undefined || watching !== mine) return;
      // It answers again: the stream is not to wait out its pause, which has grown long meanwhile.
      if (status === "unreachable" || isBroken) start();
      say("polling");
      void readAll();
    } catch (error) {
      if (polling === undefined || watching !== mine) return;
      const refusal = judgeRefusal(error);
      if (refusal === undefined) say("unreachable");
      else end(refusal);
    } finally {
      isLooking = false;
    }
  };
  const heed = (hasSlept: boolean): void => {
    clearTimeout(hiding);
    if (signs.isHidden()) {
      // A browser has few connections for one origin: pages that nobody sees leave them to those that are seen.
      if (watching !== undefined) hiding = setTimeout(() => end("paused"), timing.hiddenMs);
      else if (status === "connecting") say("paused");
    } else if (signs.isOffline()) end("unreachable");
    else if (watching === undefined || hasSlept) {
      isBehind ||= hasSlept;
      start();
    }
  };
  const ignore = signs.onChange(heed);
  heed(false);
  return () => {
    ignore();
    clearTimeout(hiding);
    watching?.abort();
    watching = undefined;
    stopPolling();
  };
}

/** What a refusal means that will not pass by itself; undefined where trying again can help. */
function judgeRefusal(error: unknown): "signedOut" | "shutOut" | undefined {
  if (!(error instanceof ProblemError)) return undefined;
  if (error.status === 401) return "signedOut";
  return error.status === 403 || error.status === 404 ? "shutOut" : undefined;
}
