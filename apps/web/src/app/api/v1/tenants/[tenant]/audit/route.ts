import { operations } from "@pilothouse/contract";
import { listAuditEntries } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listAuditEntries, async ({ context, query }) =>
  ok(await listAuditEntries(context, query)),
);

export {
  answerOther as OPTIONS,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
