import { eventIdSchema } from "@pilothouse/contract";
import { DomainError, readEventsAfter } from "@pilothouse/core";
import { createEventStream, type EventStream } from "./event-stream.ts";
import type { StreamHandler } from "./route.ts";
import type { Service } from "./service.ts";
import type { StreamPlace } from "./stream-registry.ts";

/** Most events read at once. */
const batchSize = 200;

/** Opens a stream of a tenant's events, from now on or behind Last-Event-ID. */
export const openEventStream: StreamHandler = async ({ context, service, caller, lastEventId }) => {
  const { tenantId } = context.actor;
  const { credentialId } = caller;
  if (tenantId === null) throw new Error("an event stream was asked for without a tenant");
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
  const read = (position: string | undefined) => readEventsAfter(context, { after: position, limit: batchSize });
  const checkKey = async (): Promise<boolean> =>
    (await caller.lookAgain())?.memberships.some((one) => one.tenantId === tenantId) === true;
  try {
    const first = await readEventsAfter(context, { after, limit: batchSize, isResumed: true });
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
};

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
