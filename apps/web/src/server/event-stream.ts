import {
  type StreamEnd,
  streamEndType,
  type StreamReset,
  streamResetType,
  type TenantEvent,
} from "@pilothouse/contract";
import type { EventBatch } from "@pilothouse/core";
import { describeError, log } from "./log.ts";

/** What is behind a position, in the order in which it became visible. */
export interface NoticeBatch extends Omit<EventBatch, "events"> {
  events: (Pick<TenantEvent, "id" | "type" | "object"> & { /** Named where there are several. */ tenant?: string })[];
}

export interface StreamOptions {
  /** What is to be sent first, read before the stream was begun. */
  first: NoticeBatch;
  /** Reads on behind a position. */
  read: (position: string) => Promise<NoticeBatch>;
  /** Tells whether the API key still holds. */
  checkKey: () => Promise<boolean>;
  keyExpiresAt: Date | null;
  /** Called once, however the stream ends. */
  onClose: () => void;
  timing?: StreamTiming;
}

/** All in milliseconds. */
export interface StreamTiming {
  /** Silence after which a comment is sent. */
  heartbeatMs: number;
  /** Longest time without a look into the database, for notifications that were lost. */
  pollMs: number;
  /** First look after a notification that brought nothing: what it told of may wait for an older transaction. Doubled each time. */
  lookAgainMs: number;
  /** How long a reader has to take the last message. */
  farewellMs: number;
}

export const usualTiming: StreamTiming = { heartbeatMs: 15_000, pollMs: 5_000, lookAgainMs: 25, farewellMs: 5_000 };

export interface EventStream {
  body: ReadableStream<Uint8Array>;
  /** There may be something new. */
  wake: () => void;
  /** Sends a last message, then ends the stream. */
  end: (reason: StreamEnd["reason"]) => void;
}

/** Makes a stream of server-sent events. It produces only as fast as it is read, and lets go of everything when the reader goes. */
export function createEventStream(options: StreamOptions): EventStream {
  const timing = options.timing ?? usualTiming;
  const bell = createBell();
  const state: StreamState = { ended: undefined, gone: false };
  const messages = produceMessages(options, timing, bell, state);
  const encoder = new TextEncoder();
  let closed = false;
  let farewell: NodeJS.Timeout | undefined;
  const close = () => {
    if (closed) return;
    closed = true;
    clearTimeout(farewell);
    options.onClose();
  };
  let cutOff = () => {};
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      cutOff = () => {
        if (closed) return;
        close();
        controller.error(new Error("the event stream's reader did not take its end"));
      };
    },
    pull: async (controller) => {
      const { done, value } = await messages.next();
      if (closed) return;
      if (done !== true) return controller.enqueue(encoder.encode(value));
      close();
      controller.close();
    },
    cancel: async () => {
      state.gone = true;
      close();
      bell.ring();
      await messages.return();
    },
  });
  return {
    body,
    wake: () => {
      bell.ring();
    },
    end: (reason) => {
      if (state.ended !== undefined || closed) return;
      state.ended = reason;
      farewell = setTimeout(cutOff, timing.farewellMs);
      farewell.unref();
      bell.ring();
    },
  };
}

interface StreamState {
  ended: StreamEnd["reason"] | undefined;
  gone: boolean;
}

/** Milliseconds that a client waits before it connects again. */
const retryMs = 1_000;

const reset: StreamReset = { reason: "EventsErased" };
const resetFields = `event: ${streamResetType}\ndata: ${JSON.stringify(reset)}\n`;

async function* produceMessages(
  options: StreamOptions,
  timing: StreamTiming,
  bell: Bell,
  state: StreamState,
): AsyncGenerator<string, void> {
  let { events, position, more } = options.first;
  // The position comes first, so that a stream that breaks before its first event can be resumed, too.
  yield `retry: ${retryMs}\n${events.length === 0 ? `id: ${position}\n` : ""}${options.first.hasGap === true ? resetFields : ""}\n`;
  let sentAt = performance.now();
  let checkedAt = performance.now();
  let lookMs = timing.pollMs;
  for (;;) {
    if (events.length > 0) {
      yield events.map(formatEvent).join("");
      sentAt = performance.now();
    }
    if (state.gone) return;
    const end = state.ended ?? (await findEnd(options, timing, checkedAt));
    if (end !== undefined) {
      yield `event: ${streamEndType}\ndata: ${JSON.stringify({ reason: end })}\n\n`;
      return;
    }
    if (performance.now() - checkedAt >= timing.pollMs) checkedAt = performance.now();
    if (!more) {
      const rung = await bell.wait(Math.min(lookMs, timing.heartbeatMs, untilExpiry(options)));
      lookMs = rung ? timing.lookAgainMs : Math.min(lookMs * 2, timing.pollMs);
      if (performance.now() - sentAt >= timing.heartbeatMs) {
        yield ": still here\n\n";
        sentAt = performance.now();
      }
      if (state.gone || state.ended !== undefined) {
        events = [];
        continue;
      }
    }
    ({ events, position, more } = await readOn(options, position));
  }
}

function formatEvent({ id, type, tenant, object }: NoticeBatch["events"][number]): string {
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify({ tenant, object })}\n\n`;
}

function untilExpiry({ keyExpiresAt }: StreamOptions): number {
  return keyExpiresAt === null ? Number.POSITIVE_INFINITY : Math.max(0, keyExpiresAt.getTime() - Date.now());
}

/** Looks after the key from time to time: the notification of its end may have been lost. */
async function findEnd(
  options: StreamOptions,
  timing: StreamTiming,
  checkedAt: number,
): Promise<StreamEnd["reason"] | undefined> {
  if (untilExpiry(options) === 0) return "KeyExpired";
  if (performance.now() - checkedAt < timing.pollMs) return undefined;
  try {
    return (await options.checkKey()) ? undefined : "KeyRevoked";
  } catch (error) {
    log("warn", "an event stream's key can't be checked now", describeError(error));
    return undefined;
  }
}

/** A database that can't answer now delays events, and does not end the stream. */
async function readOn({ read }: StreamOptions, position: string): Promise<NoticeBatch> {
  try {
    return await read(position);
  } catch (error) {
    log("warn", "events can't be read now", describeError(error));
    return { events: [], position, more: false };
  }
}

interface Bell {
  ring: () => void;
  /** Waits for a ring, also one that came before, at most so long. Tells whether it rang. */
  wait: (limitMs: number) => Promise<boolean>;
}

function createBell(): Bell {
  let rung = false;
  let answer: (() => void) | undefined;
  return {
    ring: () => {
      rung = true;
      answer?.();
    },
    wait: async (limitMs) => {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, limitMs);
          timer.unref();
          answer = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        answer = undefined;
      }
      const result = rung;
      rung = false;
      return result;
    },
  };
}
