import { operations } from "@pilothouse/contract";
import { changePassword } from "@pilothouse/core";
import { requirePerson } from "#server/describe-caller.ts";
import { requireTries } from "#server/require-tries.ts";
import { route } from "#server/route.ts";

export const POST = route(operations.changePassword, async ({ context, caller, body, service }) => {
  const person = requirePerson(caller);
  await requireTries(service, person.userId);
  await changePassword(service.database, person, { ...body, requestId: context.actor.requestId });
  return { status: 204, body: undefined };
});

export {
  answerOther as OPTIONS,
  answerOther as GET,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
  answerOther as HEAD,
} from "#server/answer-other.ts";
