import { operations } from "@pilothouse/contract";
import { changeSeed, deleteSeed, getSeed } from "@pilothouse/core";
import { tagged } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.getSeed, async ({ context, params }) =>
  tagged(await getSeed(context, { name: params.seed })),
);

export const PATCH = route(operations.changeSeed, ({ context, params, body, ifMatch }) =>
  changeSeed(context, { name: params.seed, ifMatch, body }),
);

export const DELETE = route(operations.deleteSeed, ({ context, params, ifMatch }) =>
  deleteSeed(context, { name: params.seed, ifMatch }),
);

export { answerOther as OPTIONS, answerOther as POST, answerOther as PUT } from "#server/answer-other.ts";
