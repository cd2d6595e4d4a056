import { eventIdSchema } from "@pilothouse/contract";
import { DomainError, readEventsAfter, readFleetEventsAfter, type RequestContext } from "@pilothouse/core";
import type { Caller } from "./authenticate.ts";
import { createEventStream, type EventStream, type NoticeBatch } from "./event-stream.ts";
import type { StreamHandler } from "./route.ts";
import type { Service } from "./service.ts";
import type { StreamPlace } from "./stream-registry.ts";

/** Most events read at once. */
const batchSize = 200;

/** Opens a stream of a tenant's events, from now on or behind Last-Event-ID. */
export const openEventStream: StreamHandler = (call) => {
  const { tenantId } = call.context.actor;
  if (tenantId === null) throw new Error("an event stream was asked for without a tenant");
  return open(call, {
    tenantId,
    readAfter: readEventsAfter,
    mayRead: ({ memberships }) => memberships.some((one) => one.tenantId === tenantId),
  });
};

/** Opens a stream of all tenants' events. */
export const openFleetEventStream: StreamHandler = (call) =>
  open(call, { tenantId: null, readAfter: readFleetEventsAfter, mayRead: ({ isPlatform }) => isPlatform });

interface StreamSource {
  tenantId: string | null;
  readAfter: (
    context: RequestContext,
    input: { after: string | undefined; limit: number; isResumed?: boolean },
  ) => Promise<NoticeBatch>;
  /** Whether somebody may still read it. */
  mayRead: (caller: Caller) => boolean;
}

async function open(
  { context, service, caller, lastEventId }: Parameters<StreamHandler>[0],
  { tenantId, readAfter, mayRead }: StreamSource,
): Promise<ReadableStream<Uint8Array>> {
  const { credentialId } = caller;
  const after = readPosition(lastEventId);
  const place = reservePlace(service, credentialId);
  let stream: EventStream | undefined;
  let revoked = false;
  // Before the first read, so that nothing of the time between is missed.
  const unsubscribe = service.events.subscribe({
    tenantId,
    credentialId,
    onWake: () => stream?.wake(),
    onRevoked: () => {
      revoked = true;
      stream?.end("KeyRevoked");
    },
  });
  const onClose = () => {
    unsubscribe();
    place.release();
  };
  const read = (position: string) =>
    service.sharedReads.read(tenantId ?? "all tenants", position, () =>
      readAfter(context, { after: position, limit: batchSize }),
    );
  const checkKey = async (): Promise<boolean> => {
    const now = await caller.lookAgain();
    return now !== undefined && mayRead(now);
  };
  try {
    const first = await readAfter(context, { after, limit: batchSize, isResumed: true });
    stream = createEventStream({ first, read, checkKey, keyExpiresAt: caller.expiresAt, onClose });
  } catch (error) {
    onClose();
    throw error;
  }
  place.occupy(stream);
  // What came while the first events were read.
  stream.wake();
  if (revoked) stream.end("KeyRevoked");
  return stream.body;
}

function reservePlace({ streams }: Service, credentialId: string): StreamPlace {
  const place = streams.reserve(credentialId);
  if (place === "closing") throw new DomainError("Unavailable", "This server is shutting down. Connect again.");
  if (place === "too many") {
    throw new DomainError(
      "TooManyStreams",
      "As many event streams are open with this key or session as there may be. Close one first.",
    );
  }
  return place;
}

function readPosition(lastEventId: string | null): string | undefined {
  if (lastEventId === null || lastEventId === "") return undefined;
  const parsed = eventIdSchema.safeParse(lastEventId);
  if (parsed.success) return parsed.data;
  throw new DomainError(
    "InvalidParameter",
    "Last-Event-ID must be the id of an event of this stream, as it was sent.",
    {
      parameter: "Last-Event-ID",
    },
  );
}
