import { operations } from "@pilothouse/contract";
import { acceptInvitation, findInvitation } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { requireTries } from "#server/require-tries.ts";
import { route } from "#server/route.ts";

export const POST = route(operations.acceptInvitation, async ({ context, body, service }) => {
  // Only whoever has an invitation is counted: nobody fills the counters, or keeps others waiting, with made up ones.
  await findInvitation(service.database, body.token);
  await requireTries(service, body.token);
  return ok(await acceptInvitation(service.database, { ...body, requestId: context.actor.requestId }));
});

export {
  answerOther as OPTIONS,
  answerOther as GET,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
  answerOther as HEAD,
} from "#server/answer-other.ts";
