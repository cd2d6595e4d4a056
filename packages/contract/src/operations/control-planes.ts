import { defineOperation } from "../define-operation.ts";
import { namedPageQuerySchema, nameSchema, pageQuerySchema, pageSchema } from "../resources/common.ts";
import {
  changeControlPlaneBodySchema,
  controlPlaneSchema,
  createControlPlaneBodySchema,
} from "../resources/control-plane.ts";
import { placementPreviewSchema, previewPlacementBodySchema } from "../resources/placement.ts";
import { revisionSchema } from "../resources/revision.ts";
import { accepted, answered, found, nothing, tenantParams } from "./forms.ts";

const tag = "Control planes";
const controlPlaneParams = tenantParams.extend({ controlPlane: nameSchema });

export const listControlPlanes = defineOperation({
  id: "listControlPlanes",
  method: "GET",
  path: "/tenants/{tenant}/control-planes",
  summary: "Lists control planes by name",
  tag,
  scope: { kind: "tenant", role: "viewer" },
  params: tenantParams,
  query: namedPageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(controlPlaneSchema), "A page") },
  problems: ["InvalidCursor"],
});

export const getControlPlane = defineOperation({
  id: "getControlPlane",
  method: "GET",
  path: "/tenants/{tenant}/control-planes/{controlPlane}",
  summary: "Reads a control plane",
  tag,
  scope: { kind: "tenant", role: "viewer" },
  params: controlPlaneParams,
  query: nothing,
  body: undefined,
  responses: { 200: found(controlPlaneSchema) },
  problems: [],
});

export const createControlPlane = defineOperation({
  id: "createControlPlane",
  method: "POST",
  path: "/tenants/{tenant}/control-planes",
  summary: "Orders a control plane for a connected mesh cluster",
  description:
    "Its place is decided and reserved at once; `NoPlacement` lists every istiod cluster with the reason why it can't take it.",
  tag,
  scope: { kind: "tenant", role: "operator" },
  params: tenantParams,
  query: nothing,
  body: createControlPlaneBodySchema,
  responses: { 202: accepted(controlPlaneSchema) },
  problems: [
    "AlreadyExists",
    "UnknownReference",
    "ClusterNotConnected",
    "BeingDeleted",
    "QuotaExceeded",
    "NoPlacement",
    "VersionNotAvailable",
  ],
  idempotent: true,
});

export const changeControlPlane = defineOperation({
  id: "changeControlPlane",
  method: "PATCH",
  path: "/tenants/{tenant}/control-planes/{controlPlane}",
  summary: "Changes a control plane",
  tag,
  scope: { kind: "tenant", role: "operator" },
  params: controlPlaneParams,
  query: nothing,
  body: changeControlPlaneBodySchema,
  responses: {
    200: found(controlPlaneSchema, "It is so already: nothing had to change"),
    202: accepted(controlPlaneSchema),
  },
  problems: ["OperationInProgress", "BeingDeleted", "NoPlacement", "VersionChangeUnsupported"],
  ifMatch: "required",
});

export const deleteControlPlane = defineOperation({
  id: "deleteControlPlane",
  method: "DELETE",
  path: "/tenants/{tenant}/control-planes/{controlPlane}",
  summary: "Deletes a control plane",
  description:
    "Also one that is still being made or changed. The operation's message says what was kept or left behind.",
  tag,
  scope: { kind: "tenant", role: "operator" },
  params: controlPlaneParams,
  query: nothing,
  body: undefined,
  responses: { 202: accepted(controlPlaneSchema) },
  problems: ["BeingDeleted"],
  ifMatch: "optional",
});

export const listRevisions = defineOperation({
  id: "listRevisions",
  method: "GET",
  path: "/tenants/{tenant}/control-planes/{controlPlane}/revisions",
  summary: "Lists a control plane's revisions, newest first",
  tag,
  scope: { kind: "tenant", role: "viewer" },
  params: controlPlaneParams,
  query: pageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(revisionSchema), "A page") },
  problems: ["InvalidCursor"],
});

export const previewPlacement = defineOperation({
  id: "previewPlacement",
  method: "POST",
  path: "/tenants/{tenant}/placement-previews",
  summary: "Shows where a control plane would be placed now, and why",
  description: "Reserves nothing: another request may take the place before yours.",
  tag,
  scope: { kind: "tenant", role: "viewer" },
  params: tenantParams,
  query: nothing,
  body: previewPlacementBodySchema,
  responses: { 200: answered(placementPreviewSchema, "The decision, with `istiodCluster` null when none can take it") },
  problems: ["UnknownReference", "VersionNotAvailable"],
});
