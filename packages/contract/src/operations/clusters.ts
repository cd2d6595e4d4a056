import { defineOperation } from "../define-operation.ts";
import { clusterSchema, connectClusterBodySchema, retryConnectionBodySchema } from "../resources/cluster.ts";
import { namedPageQuerySchema, nameSchema, pageSchema } from "../resources/common.ts";
import { accepted, answered, found, nothing, tenantParams } from "./forms.ts";

const tag = "Clusters";
const clusterParams = tenantParams.extend({ cluster: nameSchema });

export const listClusters = defineOperation({
  id: "listClusters",
  method: "GET",
  path: "/tenants/{tenant}/clusters",
  summary: "Lists mesh clusters by name",
  tag,
  scope: { kind: "tenant", role: "viewer" },
  params: tenantParams,
  query: namedPageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(clusterSchema), "A page") },
  problems: ["InvalidCursor"],
});

export const getCluster = defineOperation({
  id: "getCluster",
  method: "GET",
  path: "/tenants/{tenant}/clusters/{cluster}",
  summary: "Reads a mesh cluster",
  tag,
  scope: { kind: "tenant", role: "viewer" },
  params: clusterParams,
  query: nothing,
  body: undefined,
  responses: { 200: found(clusterSchema) },
  problems: [],
});

export const connectCluster = defineOperation({
  id: "connectCluster",
  method: "POST",
  path: "/tenants/{tenant}/clusters",
  summary: "Connects a mesh cluster",
  description:
    "The kubeconfig is used once, to check the cluster and to install Pilothouse's own identities; it is erased afterwards, and after 15 minutes in any case.",
  tag,
  scope: { kind: "tenant", role: "operator" },
  params: tenantParams,
  query: nothing,
  body: connectClusterBodySchema,
  responses: { 202: accepted(clusterSchema) },
  problems: ["AlreadyExists", "UnknownReference", "QuotaExceeded", "NoWorker"],
  idempotent: true,
});

export const retryConnection = defineOperation({
  id: "retryConnection",
  method: "POST",
  path: "/tenants/{tenant}/clusters/{cluster}/connection",
  summary: "Connects a mesh cluster again, with another kubeconfig",
  description:
    "After a connection that failed, or when Pilothouse's identities in the cluster were lost or need rights for a new line.",
  tag,
  scope: { kind: "tenant", role: "operator" },
  params: clusterParams,
  query: nothing,
  body: retryConnectionBodySchema,
  responses: { 202: accepted(clusterSchema) },
  problems: ["OperationInProgress", "BeingDeleted", "NoWorker"],
  idempotent: true,
});

export const disconnectCluster = defineOperation({
  id: "disconnectCluster",
  method: "DELETE",
  path: "/tenants/{tenant}/clusters/{cluster}",
  summary: "Disconnects a mesh cluster",
  description: "Takes Pilothouse's identities out of it. Refused while control planes exist for it.",
  tag,
  scope: { kind: "tenant", role: "operator" },
  params: clusterParams,
  query: nothing,
  body: undefined,
  responses: { 202: accepted(clusterSchema) },
  problems: ["InUse", "OperationInProgress", "BeingDeleted"],
  ifMatch: "optional",
});
