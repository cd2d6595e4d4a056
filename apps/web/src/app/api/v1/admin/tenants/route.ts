import { operations } from "@pilothouse/contract";
import { createTenant, listTenants } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listTenants, async ({ context, query }) => ok(await listTenants(context, query)));

export const POST = route(operations.createTenant, ({ context, body }) => createTenant(context, body));

export {
  answerOther as OPTIONS,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
