import { operations } from "@pilothouse/contract";
import { changeTenant, getTenant } from "@pilothouse/core";
import { tagged } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.getTenant, async ({ context, params }) =>
  tagged(await getTenant(context, { name: params.tenant })),
);

export const PATCH = route(operations.changeTenant, ({ context, params, body, ifMatch }) =>
  changeTenant(context, { name: params.tenant, ifMatch, body }),
);

export {
  answerOther as OPTIONS,
  answerOther as POST,
  answerOther as PUT,
  answerOther as DELETE,
} from "#server/answer-other.ts";
