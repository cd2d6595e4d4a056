import { eventIdSchema } from "@pilothouse/contract";
import { DomainError, readEventsAfter } from "@pilothouse/core";
import { createEventStream, type EventStream } from "./event-stream.ts";
import type { StreamHandler } from "./route.ts";
import type { Service } from "./service.ts";
import type { StreamPlace } from "./stream-registry.ts";

/** Most events read at once. */
const batchSize = 200;

/** Opens a stream of a tenant's events, from now on or behind Last-Event-ID. */
export const openEventStream: StreamHandler = async ({ context, service, key, lastEventId }) => {
  const { tenantId, apiKeyId } = key;
  if (tenantId === null) throw new Error("an event stream was asked for without a tenant");
  const after = readPosition(lastEventId);
  const place = reservePlace(service, apiKeyId);
  let stream: EventStream | undefined;
  let revoked = false;
  // Before the first read, so that nothing of the time between is missed.
  const unsubscribe = service.events.subscribe({
    tenantId,
    apiKeyId,
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
  const read = (position: string | undefined) => readEventsAfter(context, { after: position, limit: batchSize });
  try {
    const first = await readEventsAfter(context, { after, limit: batchSize, isResumed: true });
    stream = createEventStream({ first, read, checkKey: key.check, keyExpiresAt: key.expiresAt, onClose });
  } catch (error) {
    onClose();
    throw error;
  }
  place.occupy(stream);
  // What came while the first events were read.
  stream.wake();
  if (revoked) stream.end("KeyRevoked");
  return stream.body;
};

function reservePlace({ streams }: Service, apiKeyId: string): StreamPlace {
  const place = streams.reserve(apiKeyId);
  if (place === "closing") throw new DomainError("Unavailable", "This server is shutting down. Connect again.");
  if (place === "too many") {
    throw new DomainError("TooManyStreams", "This API key has as many event streams open as it may. Close one first.");
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
