import { defineOperation } from "../define-operation.ts";
import { auditEntrySchema } from "../resources/audit-entry.ts";
import { pageQuerySchema, pageSchema } from "../resources/common.ts";
import { answered, nothing, tenantParams } from "./forms.ts";

export const listAuditEntries = defineOperation({
  id: "listAuditEntries",
  method: "GET",
  path: "/tenants/{tenant}/audit",
  summary: "Lists who asked for which change in the tenant, newest first",
  tag: "Activity",
  scope: { kind: "tenant", role: "viewer" },
  params: tenantParams,
  query: pageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(auditEntrySchema), "A page") },
  problems: ["InvalidCursor"],
});

export const listPlatformAuditEntries = defineOperation({
  id: "listPlatformAuditEntries",
  method: "GET",
  path: "/admin/audit",
  summary: "Lists who asked for which change of what belongs to the platform, newest first",
  tag: "Provider: operation",
  scope: { kind: "platform" },
  params: nothing,
  query: pageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(auditEntrySchema), "A page") },
  problems: ["InvalidCursor"],
});
