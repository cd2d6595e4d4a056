import { z } from "zod";
import { defineOperation } from "../define-operation.ts";
import { pageQuerySchema, pageSchema } from "../resources/common.ts";
import {
  addMemberBodySchema,
  changeMemberBodySchema,
  joinedTenantSchema,
  joinTenantBodySchema,
  memberSchema,
  newMemberSchema,
} from "../resources/member.ts";
import { answered, created, found, gone, nothing, tenantParams } from "./forms.ts";

const tag = "Members";
const params = tenantParams.extend({ member: z.uuid() });
const adding =
  "The answer is the only place where the invitation's text ever stands. Somebody without a password sets one by it; others sign in, and then join.";

export const listMembers = defineOperation({
  id: "listMembers",
  method: "GET",
  path: "/tenants/{tenant}/members",
  summary: "Lists the tenant's members, newest first",
  tag,
  scope: { kind: "tenant", role: "viewer" },
  params: tenantParams,
  query: pageQuerySchema,
  body: undefined,
  responses: { 200: answered(pageSchema(memberSchema), "A page") },
  problems: ["InvalidCursor"],
});

export const getMember = defineOperation({
  id: "getMember",
  method: "GET",
  path: "/tenants/{tenant}/members/{member}",
  summary: "Reads a member",
  tag,
  scope: { kind: "tenant", role: "viewer" },
  params,
  query: nothing,
  body: undefined,
  responses: { 200: found(memberSchema) },
  problems: [],
});

export const addMember = defineOperation({
  id: "addMember",
  method: "POST",
  path: "/tenants/{tenant}/members",
  summary: "Invites somebody into the tenant",
  description: adding,
  tag,
  scope: { kind: "tenant", role: "admin" },
  params: tenantParams,
  query: nothing,
  body: addMemberBodySchema,
  responses: { 201: created(newMemberSchema) },
  problems: ["AlreadyExists"],
  idempotent: true,
});

export const changeMember = defineOperation({
  id: "changeMember",
  method: "PATCH",
  path: "/tenants/{tenant}/members/{member}",
  summary: "Changes a member's role",
  tag,
  scope: { kind: "tenant", role: "admin" },
  params,
  query: nothing,
  body: changeMemberBodySchema,
  responses: { 200: found(memberSchema, "As it is after the change") },
  problems: ["LastAdmin"],
  ifMatch: "required",
});

export const removeMember = defineOperation({
  id: "removeMember",
  method: "DELETE",
  path: "/tenants/{tenant}/members/{member}",
  summary: "Takes somebody out of the tenant, or an invitation back",
  tag,
  scope: { kind: "tenant", role: "admin" },
  params,
  query: nothing,
  body: undefined,
  responses: { 204: gone },
  problems: ["LastAdmin"],
  ifMatch: "optional",
});

export const addTenantMember = defineOperation({
  id: "addTenantMember",
  method: "POST",
  path: "/admin/tenants/{tenant}/members",
  summary: "Invites somebody into a tenant, such as its first member",
  description: adding,
  tag,
  scope: { kind: "platform" },
  params: tenantParams,
  query: nothing,
  body: addMemberBodySchema,
  responses: { 201: created(newMemberSchema) },
  problems: ["AlreadyExists"],
  idempotent: true,
});

export const joinTenant = defineOperation({
  id: "joinTenant",
  method: "POST",
  path: "/me/tenants",
  summary: "Joins a tenant by an invitation",
  tag,
  scope: { kind: "person" },
  params: nothing,
  query: nothing,
  body: joinTenantBodySchema,
  responses: { 200: answered(joinedTenantSchema, "You are a member now") },
  problems: ["NotFound"],
});
