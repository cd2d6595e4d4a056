import { z } from "zod";
import { fillPath, readProblem, type Client } from "./client.ts";
import { ConnectionError, EventsErasedError, ProblemError } from "./client-errors.ts";
import { createStreamParser } from "./event-stream.ts";
import { type EventNotice, eventNoticeSchema, streamEndSchema, streamEndType, streamResetType } from "./events.ts";
import { listEvents } from "./operations/activity.ts";
import { listFleetEvents } from "./operations/fleet.ts";

/** One event: what changed, and where the stream can be resumed behind it. */
export interface WatchedEvent extends EventNotice {
  id: string;
  type: string;
  /** Whose, in the stream of all tenants. */
  tenant?: string | undefined;
}

export interface WatchOptions {
  /** Null for those of all tenants, which the platform sees. */
  tenant: string | null;
  /** Of the last event seen; the stream begins now when absent. */
  lastEventId?: string;
  /** Ends the watch, without an error. */
  signal: AbortSignal;
  /** Called when a connection stands, with true for every one after the first. */
  onOpen?: (again: boolean) => void;
  /** Called when a connection is lost and will be tried again. */
  onLost?: (error: Error) => void;
  /** Called when events behind the last one seen are not kept any more, and the watch goes on from now: read everything anew. */
  onReset?: () => void;
}

/** A newer service may say more. */
const noticeSchema = eventNoticeSchema.extend({ tenant: z.string().optional() }).loose();

/** A stream that is silent for this long, heartbeats included, is taken for dead: three heartbeats. */
const silenceMs = 45_000;
const firstPauseMs = 500;
const longestPauseMs = 30_000;

interface Position {
  lastEventId: string;
  retryMs: number;
}

/**
 * Watches events for as long as the caller iterates, connecting again where the stream was lost, without a gap.
 * @throws ProblemError when the service refuses for good: the key is revoked or over, or it is not the tenant's; EventsErasedError when
 *   events were missed for good and there is no `onReset`
 */
export async function* watchEvents(client: Client, options: WatchOptions): AsyncGenerator<WatchedEvent, void> {
  const position: Position = { lastEventId: options.lastEventId ?? "", retryMs: firstPauseMs };
  let failures = 0;
  for (let connections = 0; !options.signal.aborted; connections += 1) {
    const beganAt = performance.now();
    try {
      for await (const event of readStream(client, options, position, connections > 0)) {
        failures = 0;
        yield event;
      }
    } catch (error) {
      if (options.signal.aborted) return;
      if (!isPassing(error)) throw error;
      options.onLost?.(error);
    }
    // A connection that stood for long has not failed, also where no event came.
    failures = performance.now() - beganAt > longestPauseMs ? 1 : failures + 1;
    const pauseMs = Math.min(position.retryMs * 2 ** (failures - 1), longestPauseMs);
    await pause(pauseMs * (0.5 + Math.random() / 2), options.signal);
  }
}

function isPassing(error: unknown): error is Error {
  if (error instanceof ProblemError) return error.status >= 500 || error.status === 429;
  return error instanceof ConnectionError;
}

async function* readStream(
  client: Client,
  options: WatchOptions,
  position: Position,
  again: boolean,
): AsyncGenerator<WatchedEvent, void> {
  const silence = new AbortController();
  const signal = AbortSignal.any([options.signal, silence.signal]);
  let timer = setTimeout(() => silence.abort(), silenceMs);
  try {
    const response = await openStream(client, options, position, signal);
    options.onOpen?.(again);
    const parse = createStreamParser(position.lastEventId);
    for await (const piece of readPieces(response)) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceMs);
      const { messages, lastEventId, retryMs } = parse(piece);
      for (const message of messages) {
        if (message.type === streamEndType) return endStream(message.data);
        position.lastEventId = message.id;
        if (message.type === streamResetType) {
          resetWatch(options);
          continue;
        }
        yield { id: message.id, type: message.type, ...noticeSchema.parse(JSON.parse(message.data)) };
      }
      position.lastEventId = lastEventId;
      position.retryMs = retryMs ?? position.retryMs;
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

async function openStream(
  client: Client,
  { tenant }: WatchOptions,
  { lastEventId }: Position,
  signal: AbortSignal,
): Promise<Response> {
  const path = tenant === null ? listFleetEvents.path : fillPath(listEvents.path, { tenant });
  const response = await client.send("GET", path, {
    headers: { accept: "text/event-stream", ...(lastEventId === "" ? {} : { "last-event-id": lastEventId }) },
    signal,
  });
  if (!response.ok) throw readProblem(response, await response.text(), `GET ${path}`);
  if (response.headers.get("content-type")?.startsWith("text/event-stream") !== true) {
    throw new ConnectionError(
      `GET ${path} was not answered with an event stream. Check the address, and what stands between.`,
    );
  }
  return response;
}

async function* readPieces(response: Response): AsyncGenerator<string, void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw new ConnectionError("The event stream broke off. It is opened again behind the last event.", {
      cause: error,
    });
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Nobody is to go on unawares. */
function resetWatch({ onReset, tenant }: WatchOptions): void {
  if (onReset !== undefined) return onReset();
  throw new EventsErasedError(
    `Events of ${tenant === null ? "all tenants" : `tenant ${tenant}`} behind the last one seen are not kept any more. Read everything anew, and watch from now on.`,
  );
}

/** The service says why it ends a stream; a key that is no more will not come back. */
function endStream(data: string): void {
  const { reason } = streamEndSchema.loose().parse(JSON.parse(data));
  if (reason !== "KeyRevoked" && reason !== "KeyExpired") return;
  throw new ProblemError({
    type: "urn:pilothouse:problem:Unauthenticated",
    title: "No valid API key came with the request",
    status: 401,
    code: "Unauthenticated",
    detail: `The event stream ended because its API key ${reason === "KeyRevoked" ? "was revoked" : "expired"}. Use another key.`,
    requestId: "",
  });
}

function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, durationMs);
    signal.addEventListener("abort", done);
  });
}
