import { operations } from "@pilothouse/contract";
import { acceptInvitation } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { RateLimitError } from "#server/authenticate.ts";
import { route } from "#server/route.ts";

export const POST = route(operations.acceptInvitation, async ({ context, body, service }) => {
  // Tokens can't be guessed; this bounds what hashing costs.
  const waitSeconds = await service.signInLimit.count(body.token);
  if (waitSeconds > 0) throw new RateLimitError(waitSeconds);
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
