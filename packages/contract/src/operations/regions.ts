import { z } from "zod";
import { defineOperation } from "../define-operation.ts";
import { nameSchema, pageQuerySchema, pageSchema } from "../resources/common.ts";
import { changeRegionBodySchema, createRegionBodySchema, regionSchema } from "../resources/region.ts";
import { answered, created, found, gone, nothing } from "./forms.ts";

const tag = "Provider: regions";
const params = z.strictObject({ region: nameSchema });

export const listRegions = defineOperation({
  id: "listRegions",
  method: "GET",
  path: "/admin/regions",
  summary: "Lists regions by name",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: pageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(regionSchema), "A page") },
  problems: ["InvalidCursor"],
});

export const getRegion = defineOperation({
  id: "getRegion",
  method: "GET",
  path: "/admin/regions/{region}",
  summary: "Reads a region",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: undefined,
  responses: { 200: found(regionSchema) },
  problems: [],
});

export const createRegion = defineOperation({
  id: "createRegion",
  method: "POST",
  path: "/admin/regions",
  summary: "Makes a region",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: nothing,
  body: createRegionBodySchema,
  responses: { 201: created(regionSchema) },
  problems: ["AlreadyExists"],
  idempotent: true,
});

export const changeRegion = defineOperation({
  id: "changeRegion",
  method: "PATCH",
  path: "/admin/regions/{region}",
  summary: "Changes a region",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: changeRegionBodySchema,
  responses: { 200: found(regionSchema, "As it is after the change") },
  problems: [],
  ifMatch: "required",
});

export const deleteRegion = defineOperation({
  id: "deleteRegion",
  method: "DELETE",
  path: "/admin/regions/{region}",
  summary: "Deletes a region that nothing depends on",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: undefined,
  responses: { 204: gone },
  problems: ["InUse"],
  ifMatch: "optional",
});
