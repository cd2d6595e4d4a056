import { operations } from "@pilothouse/contract";
import { changeRegion, deleteRegion, getRegion } from "@pilothouse/core";
import { tagged } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.getRegion, async ({ context, params }) =>
  tagged(await getRegion(context, { name: params.region })),
);

export const PATCH = route(operations.changeRegion, ({ context, params, body, ifMatch }) =>
  changeRegion(context, { name: params.region, ifMatch, body }),
);

export const DELETE = route(operations.deleteRegion, ({ context, params, ifMatch }) =>
  deleteRegion(context, { name: params.region, ifMatch }),
);

export { answerOther as OPTIONS, answerOther as POST, answerOther as PUT } from "#server/answer-other.ts";
