import { operations } from "@pilothouse/contract";
import { listSessions } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { requirePerson } from "#server/describe-caller.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listSessions, async ({ caller, service }) => {
  const { userId, sessionId: current } = requirePerson(caller);
  return ok({ items: await listSessions(service.database, { userId, current }) });
});

export {
  answerOther as OPTIONS,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
