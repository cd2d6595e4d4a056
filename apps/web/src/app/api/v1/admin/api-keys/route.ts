import { operations } from "@pilothouse/contract";
import { createPlatformKey, listPlatformKeys } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listPlatformKeys, async ({ context, query }) =>
  ok(await listPlatformKeys(context, query)),
);

export const POST = route(operations.createPlatformKey, ({ context, body }) => createPlatformKey(context, body));

export {
  answerOther as OPTIONS,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
