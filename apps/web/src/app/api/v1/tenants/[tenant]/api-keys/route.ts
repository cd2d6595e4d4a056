import { operations } from "@pilothouse/contract";
import { createApiKey, listApiKeys } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listApiKeys, async ({ context, query }) => ok(await listApiKeys(context, query)));

export const POST = route(operations.createApiKey, ({ context, body }) => createApiKey(context, body));

export {
  answerOther as OPTIONS,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
