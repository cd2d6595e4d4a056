import { z } from "zod";
import { defineOperation } from "../define-operation.ts";
import { identifiedPageQuerySchema, pageQuerySchema, pageSchema } from "../resources/common.ts";
import { fleetControlPlaneSchema, fleetEventSchema, placedControlPlaneSchema } from "../resources/fleet.ts";
import { usageQuerySchema, usageSchema } from "../resources/usage.ts";
import { workSchema } from "../resources/work.ts";
import { answered, nothing } from "./forms.ts";

const tag = "Provider: operation";

export const listFleetControlPlanes = defineOperation({
  id: "listFleetControlPlanes",
  method: "GET",
  path: "/admin/control-planes",
  summary: "Lists the control planes of all tenants, by tenant and name",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: identifiedPageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(fleetControlPlaneSchema), "A page") },
  problems: ["InvalidCursor"],
});

export const getFleetControlPlane = defineOperation({
  id: "getFleetControlPlane",
  method: "GET",
  path: "/admin/control-planes/{controlPlaneId}",
  summary: "Reads a control plane of any tenant, and why it is where it is",
  tag,
  scope: { kind: "platform" },
  params: z.strictObject({ controlPlaneId: z.uuid() }),
  query: nothing,
  body: undefined,
  responses: { 200: answered(placedControlPlaneSchema) },
  problems: [],
});

export const listFleetEvents = defineOperation({
  id: "listFleetEvents",
  method: "GET",
  path: "/admin/events",
  summary: "Lists events of all tenants, newest first, or streams them",
  description:
    "They name what changed, and not how. With `Accept: text/event-stream` it is a stream as that of a tenant, by the same rules; `data` names the tenant, too.",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: pageQuerySchema,
  body: undefined,
  responses: {
    200: {
      ...answered(pageSchema(fleetEventSchema), "A page, or the stream"),
      stream: {
        description: "`id` of the event, its type as `event`, and a JSON `data` that names the tenant and the object",
      },
    },
  },
  problems: ["InvalidCursor", "TooManyStreams"],
});

export const getUsage = defineOperation({
  id: "getUsage",
  method: "GET",
  path: "/admin/usage",
  summary: "Reads capacity, reservations and use of istiod clusters over time",
  description: "Sampled every minute, kept for 30 days. Each point is the most of its time.",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: usageQuerySchema,
  body: undefined,
  responses: { 200: answered(usageSchema) },
  problems: ["NotFound"],
});

export const getWork = defineOperation({
  id: "getWork",
  method: "GET",
  path: "/admin/work",
  summary: "Reads how the workers get on: what waits, what fails, and what each of them reports",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: nothing,
  body: undefined,
  responses: { 200: answered(workSchema) },
  problems: [],
});
