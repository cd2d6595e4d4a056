import { operations } from "@pilothouse/contract";
import { listOperations } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listOperations, async ({ context, query }) =>
  ok(await listOperations(context, query)),
);

export {
  answerOther as OPTIONS,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
