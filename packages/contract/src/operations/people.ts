import { z } from "zod";
import { defineOperation } from "../define-operation.ts";
import {
  acceptedInvitationSchema,
  acceptInvitationBodySchema,
  changePasswordBodySchema,
  createUserBodySchema,
  newUserSchema,
  sessionSchema,
  whoAmISchema,
} from "../resources/user.ts";
import { answered, created, gone, nothing } from "./forms.ts";

const tag = "People";

export const whoAmI = defineOperation({
  id: "whoAmI",
  method: "GET",
  path: "/me",
  summary: "Tells who asks, and what is open to them",
  tag,
  scope: { kind: "anyone" },
  params: nothing,
  query: nothing,
  body: undefined,
  responses: { 200: answered(whoAmISchema) },
  problems: [],
});

export const listSessions = defineOperation({
  id: "listSessions",
  method: "GET",
  path: "/me/sessions",
  summary: "Lists the browsers in which you are signed in",
  tag,
  scope: { kind: "person" },
  params: nothing,
  query: nothing,
  body: undefined,
  responses: { 200: answered(z.strictObject({ items: z.array(sessionSchema) })) },
  problems: [],
});

export const revokeSession = defineOperation({
  id: "revokeSession",
  method: "DELETE",
  path: "/me/sessions/{session}",
  summary: "Signs a browser out",
  tag,
  scope: { kind: "person" },
  params: z.strictObject({ session: z.uuid() }),
  query: nothing,
  body: undefined,
  responses: { 204: gone },
  problems: [],
});

export const changePassword = defineOperation({
  id: "changePassword",
  method: "POST",
  path: "/me/password",
  summary: "Changes your password, and signs all other browsers out",
  tag,
  scope: { kind: "person" },
  params: nothing,
  query: nothing,
  body: changePasswordBodySchema,
  responses: { 204: gone },
  problems: [],
});

export const createUser = defineOperation({
  id: "createUser",
  method: "POST",
  path: "/admin/users",
  summary: "Makes a person, or lets one in again, by an invitation",
  tag,
  scope: { kind: "platform" },
  params: nothing,
  query: nothing,
  body: createUserBodySchema,
  responses: { 201: created(newUserSchema, []) },
  problems: [],
  idempotent: true,
});

export const acceptInvitation = defineOperation({
  id: "acceptInvitation",
  method: "POST",
  path: "/invitations",
  summary: "Sets a password by an invitation",
  description:
    "Where the invitation is into a tenant, the person is a member from then on. Who has a password already signs in with it, and joins the tenant by the invitation.",
  tag,
  scope: { kind: "public" },
  params: nothing,
  query: nothing,
  body: acceptInvitationBodySchema,
  responses: { 200: answered(acceptedInvitationSchema, "The password is set: sign in with it") },
  problems: ["NotFound", "PasswordIsSet", "RateLimited", "Unavailable", "InternalError", "TookTooLong"],
});
