import { operations } from "@pilothouse/contract";
import { addMember, listMembers } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listMembers, async ({ context, query }) => ok(await listMembers(context, query)));
export const POST = route(operations.addMember, ({ context, body }) => addMember(context, body));

export {
  answerOther as OPTIONS,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
