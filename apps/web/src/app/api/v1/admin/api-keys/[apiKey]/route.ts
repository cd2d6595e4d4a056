import { operations } from "@pilothouse/contract";
import { revokePlatformKey } from "@pilothouse/core";
import { route } from "#server/route.ts";

export const DELETE = route(operations.revokePlatformKey, ({ context, params }) =>
  revokePlatformKey(context, { id: params.apiKey }),
);

export {
  answerOther as OPTIONS,
  answerOther as GET,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as HEAD,
} from "#server/answer-other.ts";
