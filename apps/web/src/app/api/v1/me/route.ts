import { operations } from "@pilothouse/contract";
import { describeCaller } from "#server/describe-caller.ts";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.whoAmI, async ({ caller }) => ok(describeCaller(caller)));

export {
  answerOther as OPTIONS,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
