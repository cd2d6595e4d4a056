import { z } from "zod";
import { defineOperation } from "../define-operation.ts";
import { nameSchema, pageQuerySchema, pageSchema } from "../resources/common.ts";
import {
  changeIstiodClusterBodySchema,
  createIstiodClusterBodySchema,
  istiodClusterSchema,
} from "../resources/istiod-cluster.ts";
import { answered, created, found, gone, nothing } from "./forms.ts";

const tag = "Provider: istiod clusters";
const params = z.strictObject({ istiodCluster: nameSchema });

export const listIstiodClusters = defineOperation({
  id: "listIstiodClusters",
  method: "GET",
  path: "/admin/istiod-clusters",
  summary: "Lists istiod clusters by name",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: pageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(istiodClusterSchema), "A page") },
  problems: ["InvalidCursor"],
});

export const getIstiodCluster = defineOperation({
  id: "getIstiodCluster",
  method: "GET",
  path: "/admin/istiod-clusters/{istiodCluster}",
  summary: "Reads an istiod cluster",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: undefined,
  responses: { 200: found(istiodClusterSchema) },
  problems: [],
});

export const createIstiodCluster = defineOperation({
  id: "createIstiodCluster",
  method: "POST",
  path: "/admin/istiod-clusters",
  summary: "Makes an istiod cluster",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: nothing,
  body: createIstiodClusterBodySchema,
  responses: { 201: created(istiodClusterSchema) },
  problems: ["AlreadyExists", "UnknownReference", "NoWorker"],
  idempotent: true,
});

export const changeIstiodCluster = defineOperation({
  id: "changeIstiodCluster",
  method: "PATCH",
  path: "/admin/istiod-clusters/{istiodCluster}",
  summary: "Changes an istiod cluster",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: changeIstiodClusterBodySchema,
  responses: { 200: found(istiodClusterSchema, "As it is after the change") },
  problems: ["InUse", "NoWorker"],
  ifMatch: "required",
});

export const deleteIstiodCluster = defineOperation({
  id: "deleteIstiodCluster",
  method: "DELETE",
  path: "/admin/istiod-clusters/{istiodCluster}",
  summary: "Deletes an istiod cluster that nothing depends on",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: undefined,
  responses: { 204: gone },
  problems: ["InUse"],
  ifMatch: "optional",
});
