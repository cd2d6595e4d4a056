import { operations } from "@pilothouse/contract";
import { listPlatformAuditEntries } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listPlatformAuditEntries, async ({ context, query }) =>
  ok(await listPlatformAuditEntries(context, query)),
);

export {
  answerOther as OPTIONS,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
