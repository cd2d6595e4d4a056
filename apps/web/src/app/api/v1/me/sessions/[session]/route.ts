import { operations } from "@pilothouse/contract";
import { revokeSession } from "@pilothouse/core";
import { requirePerson } from "#server/describe-caller.ts";
import { route } from "#server/route.ts";

export const DELETE = route(operations.revokeSession, async ({ context, caller, params, service }) => {
  const { userId, sessionId } = requirePerson(caller);
  const { session: id } = params;
  const { requestId } = context.actor;
  await revokeSession(service.database, { userId, id, isOwn: id === sessionId, requestId });
  return { status: 204, body: undefined };
});

export {
  answerOther as OPTIONS,
  answerOther as GET,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as HEAD,
} from "#server/answer-other.ts";
