import { operations } from "@pilothouse/contract";
import { revokeApiKey } from "@pilothouse/core";
import { route } from "#server/route.ts";

export const DELETE = route(operations.revokeApiKey, ({ context, params }) =>
  revokeApiKey(context, { id: params.apiKey }),
);

export {
  answerOther as OPTIONS,
  answerOther as GET,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as HEAD,
} from "#server/answer-other.ts";
