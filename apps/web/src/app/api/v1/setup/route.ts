import { operations } from "@pilothouse/contract";
import { ok } from "#server/answers.ts";
import { readSetup } from "#server/read-setup.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.getSetup, async ({ service }) =>
  ok(await readSetup(service.setupFile, new Date())),
);

export {
  answerOther as OPTIONS,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
