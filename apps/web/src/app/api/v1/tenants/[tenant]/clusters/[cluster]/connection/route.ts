import { operations } from "@pilothouse/contract";
import { retryConnection } from "@pilothouse/core";
import { route } from "#server/route.ts";

export const POST = route(operations.retryConnection, ({ context, params, body }) =>
  retryConnection(context, { name: params.cluster, body }),
);

export {
  answerOther as OPTIONS,
  answerOther as GET,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
  answerOther as HEAD,
} from "#server/answer-other.ts";
