import { operations } from "@pilothouse/contract";
import { createVersion, listVersions } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listVersions, async ({ context, query }) => ok(await listVersions(context, query)));

export const POST = route(operations.createVersion, ({ context, body }) => createVersion(context, body));

export {
  answerOther as OPTIONS,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
