import { operations } from "@pilothouse/contract";
import { createVersionLine, listVersionLines } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listVersionLines, async ({ context, query }) =>
  ok(await listVersionLines(context, query)),
);

export const POST = route(operations.createVersionLine, ({ context, body }) => createVersionLine(context, body));

export {
  answerOther as OPTIONS,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
