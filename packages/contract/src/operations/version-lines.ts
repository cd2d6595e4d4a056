import { z } from "zod";
import { defineOperation } from "../define-operation.ts";
import { lineNameSchema, pageQuerySchema, pageSchema } from "../resources/common.ts";
import {
  changeVersionLineBodySchema,
  createVersionLineBodySchema,
  versionLineSchema,
} from "../resources/version-line.ts";
import { answered, created, found, gone, nothing } from "./forms.ts";

const tag = "Provider: version lines";
const params = z.strictObject({ versionLine: lineNameSchema });

export const listVersionLines = defineOperation({
  id: "listVersionLines",
  method: "GET",
  path: "/admin/version-lines",
  summary: "Lists version lines by name",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: pageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(versionLineSchema), "A page") },
  problems: ["InvalidCursor"],
});

export const getVersionLine = defineOperation({
  id: "getVersionLine",
  method: "GET",
  path: "/admin/version-lines/{versionLine}",
  summary: "Reads a version line",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: undefined,
  responses: { 200: found(versionLineSchema) },
  problems: [],
});

export const createVersionLine = defineOperation({
  id: "createVersionLine",
  method: "POST",
  path: "/admin/version-lines",
  summary: "Makes a version line",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: nothing,
  body: createVersionLineBodySchema,
  responses: { 201: created(versionLineSchema) },
  problems: ["AlreadyExists"],
  idempotent: true,
});

export const changeVersionLine = defineOperation({
  id: "changeVersionLine",
  method: "PATCH",
  path: "/admin/version-lines/{versionLine}",
  summary: "Changes a version line",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: changeVersionLineBodySchema,
  responses: { 200: found(versionLineSchema, "As it is after the change") },
  problems: [],
  ifMatch: "required",
});

export const deleteVersionLine = defineOperation({
  id: "deleteVersionLine",
  method: "DELETE",
  path: "/admin/version-lines/{versionLine}",
  summary: "Deletes a version line that nothing depends on",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: undefined,
  responses: { 204: gone },
  problems: ["InUse"],
  ifMatch: "optional",
});
