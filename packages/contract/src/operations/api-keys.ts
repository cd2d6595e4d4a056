import { z } from "zod";
import { defineOperation } from "../define-operation.ts";
import {
  apiKeySchema,
  createApiKeyBodySchema,
  createPlatformKeyBodySchema,
  newApiKeySchema,
} from "../resources/api-key.ts";
import { pageQuerySchema, pageSchema } from "../resources/common.ts";
import { answered, created, gone, nothing, tenantParams } from "./forms.ts";

const tag = "API keys";
const keyParams = z.strictObject({ apiKey: z.uuid() });
const shownOnce = "The answer is the only place where the key's text ever stands.";
const revoking = "It is refused from now on, and its event streams end.";

export const listApiKeys = defineOperation({
  id: "listApiKeys",
  method: "GET",
  path: "/tenants/{tenant}/api-keys",
  summary: "Lists the tenant's API keys, newest first",
  tag,
  scope: { kind: "tenant", role: "admin" },
  params: tenantParams,
  query: pageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(apiKeySchema), "A page") },
  problems: ["InvalidCursor"],
});

export const createApiKey = defineOperation({
  id: "createApiKey",
  method: "POST",
  path: "/tenants/{tenant}/api-keys",
  summary: "Makes an API key of at most one's own role",
  description: shownOnce,
  tag,
  scope: { kind: "tenant", role: "admin" },
  params: tenantParams,
  query: nothing,
  body: createApiKeyBodySchema,
  responses: { 201: created(newApiKeySchema, []) },
  problems: ["QuotaExceeded"],
  idempotent: true,
});

export const revokeApiKey = defineOperation({
  id: "revokeApiKey",
  method: "DELETE",
  path: "/tenants/{tenant}/api-keys/{apiKey}",
  summary: "Revokes an API key",
  description: revoking,
  tag,
  scope: { kind: "tenant", role: "admin" },
  params: tenantParams.extend(keyParams.shape),
  query: nothing,
  body: undefined,
  responses: { 204: gone },
  problems: [],
});

export const createTenantApiKey = defineOperation({
  id: "createTenantApiKey",
  method: "POST",
  path: "/admin/tenants/{tenant}/api-keys",
  summary: "Makes an API key for a tenant, such as its first",
  description: shownOnce,
  tag,
  scope: { kind: "platform" },
  params: tenantParams,
  query: nothing,
  body: createApiKeyBodySchema,
  responses: { 201: created(newApiKeySchema, []) },
  problems: ["QuotaExceeded"],
  idempotent: true,
});

export const listPlatformKeys = defineOperation({
  id: "listPlatformKeys",
  method: "GET",
  path: "/admin/api-keys",
  summary: "Lists the platform's API keys, newest first",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: pageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(apiKeySchema), "A page") },
  problems: ["InvalidCursor"],
});

export const createPlatformKey = defineOperation({
  id: "createPlatformKey",
  method: "POST",
  path: "/admin/api-keys",
  summary: "Makes an API key of the platform",
  description: shownOnce,
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: nothing,
  body: createPlatformKeyBodySchema,
  responses: { 201: created(newApiKeySchema, []) },
  problems: [],
  idempotent: true,
});

export const revokePlatformKey = defineOperation({
  id: "revokePlatformKey",
  method: "DELETE",
  path: "/admin/api-keys/{apiKey}",
  summary: "Revokes an API key of the platform",
  description: revoking,
  tag,
  scope: { kind: "platform" },
  params: keyParams,
  query: nothing,
  body: undefined,
  responses: { 204: gone },
  problems: [],
});
