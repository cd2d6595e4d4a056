import { operations } from "@pilothouse/contract";
import { getOperation } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.getOperation, async ({ context, params }) =>
  ok(await getOperation(context, { id: params.operation })),
);

export {
  answerOther as OPTIONS,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
