import { operations } from "@pilothouse/contract";
import { revokeSession } from "@pilothouse/core";
import { requirePerson } from "#server/describe-caller.ts";
import { route } from "#server/route.ts";

export const DELETE = route(operations.revokeSession, async ({ caller, params, service }) => {
  const { userId } = requirePerson(caller);
  await revokeSession(service.database, { userId, id: params.session });
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
