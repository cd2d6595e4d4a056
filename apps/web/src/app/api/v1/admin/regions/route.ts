import { operations } from "@pilothouse/contract";
import { createRegion, listRegions } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listRegions, async ({ context, query }) => ok(await listRegions(context, query)));

export const POST = route(operations.createRegion, ({ context, body }) => createRegion(context, body));

export {
  answerOther as OPTIONS,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
