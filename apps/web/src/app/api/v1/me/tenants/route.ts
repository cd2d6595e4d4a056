import { operations } from "@pilothouse/contract";
import { joinTenant } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { requirePerson } from "#server/describe-caller.ts";
import { route } from "#server/route.ts";

export const POST = route(operations.joinTenant, async ({ context, caller, body, service }) => {
  const { userId } = requirePerson(caller);
  return ok(await joinTenant(service.database, { ...body, userId, requestId: context.actor.requestId }));
});

export {
  answerOther as OPTIONS,
  answerOther as GET,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
  answerOther as HEAD,
} from "#server/answer-other.ts";
