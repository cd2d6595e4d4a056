import { operations } from "@pilothouse/contract";
import { createSeed, listSeeds } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listSeeds, async ({ context, query }) => ok(await listSeeds(context, query)));

export const POST = route(operations.createSeed, ({ context, body }) => createSeed(context, body));

export {
  answerOther as OPTIONS,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
