import { operations } from "@pilothouse/contract";
import { createUser } from "@pilothouse/core";
import { route } from "#server/route.ts";

export const POST = route(operations.createUser, ({ context, body }) => createUser(context, body));

export {
  answerOther as OPTIONS,
  answerOther as GET,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
  answerOther as HEAD,
} from "#server/answer-other.ts";
