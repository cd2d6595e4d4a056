import { operations } from "@pilothouse/contract";
import { changeVersionLine, deleteVersionLine, getVersionLine } from "@pilothouse/core";
import { tagged } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.getVersionLine, async ({ context, params }) =>
  tagged(await getVersionLine(context, { name: params.versionLine })),
);

export const PATCH = route(operations.changeVersionLine, ({ context, params, body, ifMatch }) =>
  changeVersionLine(context, { name: params.versionLine, ifMatch, body }),
);

export const DELETE = route(operations.deleteVersionLine, ({ context, params, ifMatch }) =>
  deleteVersionLine(context, { name: params.versionLine, ifMatch }),
);

export { answerOther as OPTIONS, answerOther as POST, answerOther as PUT } from "#server/answer-other.ts";
