import { operations } from "@pilothouse/contract";
import { listRevisions } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listRevisions, async ({ context, params, query }) =>
  ok(await listRevisions(context, { ...query, controlPlane: params.controlPlane })),
);

export {
  answerOther as OPTIONS,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
