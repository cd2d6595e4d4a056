import { operations } from "@pilothouse/contract";
import { previewPlacement } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const POST = route(operations.previewPlacement, async ({ context, body }) =>
  ok(await previewPlacement(context, body)),
);

export {
  answerOther as OPTIONS,
  answerOther as GET,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
  answerOther as HEAD,
} from "#server/answer-other.ts";
