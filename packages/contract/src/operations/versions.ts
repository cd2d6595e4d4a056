import { z } from "zod";
import { defineOperation } from "../define-operation.ts";
import { pageQuerySchema, pageSchema, versionNameSchema } from "../resources/common.ts";
import { changeVersionBodySchema, createVersionBodySchema, versionSchema } from "../resources/version.ts";
import { answered, created, found, gone, nothing } from "./forms.ts";

const tag = "Provider: versions";
const params = z.strictObject({ version: versionNameSchema });

export const listVersions = defineOperation({
  id: "listVersions",
  method: "GET",
  path: "/admin/versions",
  summary: "Lists versions by name",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: pageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(versionSchema), "A page") },
  problems: ["InvalidCursor"],
});

export const getVersion = defineOperation({
  id: "getVersion",
  method: "GET",
  path: "/admin/versions/{version}",
  summary: "Reads a version",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: undefined,
  responses: { 200: found(versionSchema) },
  problems: [],
});

export const createVersion = defineOperation({
  id: "createVersion",
  method: "POST",
  path: "/admin/versions",
  summary: "Makes a version",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: nothing,
  body: createVersionBodySchema,
  responses: { 201: created(versionSchema) },
  problems: ["AlreadyExists", "UnknownReference"],
  idempotent: true,
});

export const changeVersion = defineOperation({
  id: "changeVersion",
  method: "PATCH",
  path: "/admin/versions/{version}",
  summary: "Changes a version",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: changeVersionBodySchema,
  responses: { 200: found(versionSchema, "As it is after the change") },
  problems: [],
  ifMatch: "required",
});

export const deleteVersion = defineOperation({
  id: "deleteVersion",
  method: "DELETE",
  path: "/admin/versions/{version}",
  summary: "Deletes a version that nothing depends on",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: undefined,
  responses: { 204: gone },
  problems: ["InUse"],
  ifMatch: "optional",
});
