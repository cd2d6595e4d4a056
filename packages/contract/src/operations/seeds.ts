import { z } from "zod";
import { defineOperation } from "../define-operation.ts";
import { nameSchema, pageQuerySchema, pageSchema } from "../resources/common.ts";
import { changeSeedBodySchema, createSeedBodySchema, seedSchema } from "../resources/seed.ts";
import { answered, created, found, gone, nothing } from "./forms.ts";

const tag = "Provider: seeds";
const params = z.strictObject({ seed: nameSchema });

export const listSeeds = defineOperation({
  id: "listSeeds",
  method: "GET",
  path: "/admin/seeds",
  summary: "Lists seeds by name",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: pageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(seedSchema), "A page") },
  problems: ["InvalidCursor"],
});

export const getSeed = defineOperation({
  id: "getSeed",
  method: "GET",
  path: "/admin/seeds/{seed}",
  summary: "Reads a seed",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: undefined,
  responses: { 200: found(seedSchema) },
  problems: [],
});

export const createSeed = defineOperation({
  id: "createSeed",
  method: "POST",
  path: "/admin/seeds",
  summary: "Makes a seed",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: nothing,
  body: createSeedBodySchema,
  responses: { 201: created(seedSchema) },
  problems: ["AlreadyExists", "UnknownReference"],
  idempotent: true,
});

export const changeSeed = defineOperation({
  id: "changeSeed",
  method: "PATCH",
  path: "/admin/seeds/{seed}",
  summary: "Changes a seed",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: changeSeedBodySchema,
  responses: { 200: found(seedSchema, "As it is after the change") },
  problems: [],
  ifMatch: "required",
});

export const deleteSeed = defineOperation({
  id: "deleteSeed",
  method: "DELETE",
  path: "/admin/seeds/{seed}",
  summary: "Deletes a seed that nothing depends on",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: undefined,
  responses: { 204: gone },
  problems: ["InUse"],
  ifMatch: "optional",
});
