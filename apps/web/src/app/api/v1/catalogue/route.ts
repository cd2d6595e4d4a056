import { operations } from "@pilothouse/contract";
import { getCatalogue } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.getCatalogue, async ({ service }) => ok(await getCatalogue(service.database)));

export {
  answerOther as OPTIONS,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
