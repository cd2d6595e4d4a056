import { z } from "zod";
import { defineOperation } from "../define-operation.ts";
import { nameSchema, pageQuerySchema, pageSchema } from "../resources/common.ts";
import { changeTenantBodySchema, createTenantBodySchema, tenantSchema } from "../resources/tenant.ts";
import { answered, created, found, nothing } from "./forms.ts";

const tag = "Provider: tenants";
const params = z.strictObject({ tenant: nameSchema });

export const listTenants = defineOperation({
  id: "listTenants",
  method: "GET",
  path: "/admin/tenants",
  summary: "Lists tenants by name",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: pageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(tenantSchema), "A page") },
  problems: ["InvalidCursor"],
});

export const getTenant = defineOperation({
  id: "getTenant",
  method: "GET",
  path: "/admin/tenants/{tenant}",
  summary: "Reads a tenant",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: undefined,
  responses: { 200: found(tenantSchema) },
  problems: [],
});

export const createTenant = defineOperation({
  id: "createTenant",
  method: "POST",
  path: "/admin/tenants",
  summary: "Makes a tenant",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: nothing,
  body: createTenantBodySchema,
  responses: { 201: created(tenantSchema) },
  problems: ["AlreadyExists"],
  idempotent: true,
});

export const changeTenant = defineOperation({
  id: "changeTenant",
  method: "PATCH",
  path: "/admin/tenants/{tenant}",
  summary: "Changes a tenant",
  tag,
  scope: { kind: "platform" },
  params,
  query: nothing,
  body: changeTenantBodySchema,
  responses: { 200: found(tenantSchema, "As it is after the change") },
  problems: [],
  ifMatch: "required",
});
