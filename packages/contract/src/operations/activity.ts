import { z } from "zod";
import { defineOperation } from "../define-operation.ts";
import { pageQuerySchema, pageSchema } from "../resources/common.ts";
import { tenantEventSchema } from "../resources/event.ts";
import { operationSchema } from "../resources/operation.ts";
import { answered, nothing, tenantParams } from "./forms.ts";

const tag = "Activity";

export const listOperations = defineOperation({
  id: "listOperations",
  method: "GET",
  path: "/tenants/{tenant}/operations",
  summary: "Lists operations, newest first",
  tag,
  scope: { kind: "tenant", role: "viewer" },
  params: tenantParams,
  query: pageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(operationSchema), "A page") },
  problems: ["InvalidCursor"],
});

export const getOperation = defineOperation({
  id: "getOperation",
  method: "GET",
  path: "/tenants/{tenant}/operations/{operation}",
  summary: "Reads an operation with its steps",
  tag,
  scope: { kind: "tenant", role: "viewer" },
  params: tenantParams.extend({ operation: z.uuid() }),
  query: nothing,
  body: undefined,
  responses: { 200: answered(operationSchema) },
  problems: [],
});

export const listEvents = defineOperation({
  id: "listEvents",
  method: "GET",
  path: "/tenants/{tenant}/events",
  summary: "Lists events, newest first, or streams them",
  description:
    "With `Accept: text/event-stream` it is a stream of server-sent events that begins now, or right behind `Last-Event-ID`, and misses nothing. Events are kept for 30 days: where some behind `Last-Event-ID` are gone, the stream says so by a first message of type `reset` and goes on from now, so read everything anew. Each message names what changed; read it through its own path. A comment comes every 15 s when nothing else does. The stream ends when the API key is revoked or expires, with a message of type `end`.",
  tag,
  scope: { kind: "tenant", role: "viewer" },
  params: tenantParams,
  query: pageQuerySchema,
  body: undefined,
  responses: {
    200: {
      ...answered(pageSchema(tenantEventSchema), "A page, or the stream"),
      stream: { description: "`id` of the event, its type as `event`, and a JSON `data` that names the object" },
    },
  },
  problems: ["InvalidCursor", "TooManyStreams"],
});
