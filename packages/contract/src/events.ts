import { z } from "zod";
import { objectReferenceSchema } from "./resources/common.ts";

/** NOTIFY channel that says that a tenant has new events; the payload is the tenant's id. */
export const eventsChannel = "pilothouse_events";

/** NOTIFY channel that says that an API key was revoked; the payload is its id. */
export const keysChannel = "pilothouse_keys";

/**
 * Data of a server-sent event: what changed, not how. Whoever wants to know reads it through REST, where access is checked again. The
 * stream's `id` is the event's id, its `event` the event's type.
 */
export const eventNoticeSchema = z.strictObject({ object: objectReferenceSchema }).meta({ id: "EventNotice" });

export type EventNotice = z.infer<typeof eventNoticeSchema>;

/** The same in the stream of all tenants' events. */
export const fleetEventNoticeSchema = eventNoticeSchema.extend({ tenant: z.string() }).meta({ id: "FleetEventNotice" });

export type FleetEventNotice = z.infer<typeof fleetEventNoticeSchema>;

/**
 * Type of the message with which a stream begins when events behind `Last-Event-ID` are not kept any more. Its id is where the stream goes on:
 * now. Whatever was read before may be out of date.
 */
export const streamResetType = "reset";

/** Data of that message. */
export interface StreamReset {
  reason: "EventsErased";
}

/** Type of the last message of a stream that the service ends for good. */
export const streamEndType = "end";

/** Data of that message. `KeyRevoked` and `KeyExpired` are final; after `ShuttingDown` the stream may be opened again at once. */
export const streamEndSchema = z
  .strictObject({ reason: z.enum(["KeyRevoked", "KeyExpired", "ShuttingDown"]) })
  .meta({ id: "StreamEnd" });

export type StreamEnd = z.infer<typeof streamEndSchema>;
