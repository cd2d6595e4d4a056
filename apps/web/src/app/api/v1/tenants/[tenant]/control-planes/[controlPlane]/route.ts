import { operations } from "@pilothouse/contract";
import { changeControlPlane, deleteControlPlane, getControlPlane } from "@pilothouse/core";
import { tagged } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.getControlPlane, async ({ context, params }) =>
  tagged(await getControlPlane(context, { name: params.controlPlane })),
);

export const PATCH = route(operations.changeControlPlane, ({ context, params, body, ifMatch }) =>
  changeControlPlane(context, { name: params.controlPlane, ifMatch, body }),
);

export const DELETE = route(operations.deleteControlPlane, ({ context, params, ifMatch }) =>
  deleteControlPlane(context, { name: params.controlPlane, ifMatch }),
);

export { answerOther as OPTIONS, answerOther as POST, answerOther as PUT } from "#server/answer-other.ts";
