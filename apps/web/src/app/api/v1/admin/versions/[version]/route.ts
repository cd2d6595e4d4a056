import { operations } from "@pilothouse/contract";
import { changeVersion, deleteVersion, getVersion } from "@pilothouse/core";
import { tagged } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.getVersion, async ({ context, params }) =>
  tagged(await getVersion(context, { name: params.version })),
);

export const PATCH = route(operations.changeVersion, ({ context, params, body, ifMatch }) =>
  changeVersion(context, { name: params.version, ifMatch, body }),
);

export const DELETE = route(operations.deleteVersion, ({ context, params, ifMatch }) =>
  deleteVersion(context, { name: params.version, ifMatch }),
);

export { answerOther as OPTIONS, answerOther as POST, answerOther as PUT } from "#server/answer-other.ts";
