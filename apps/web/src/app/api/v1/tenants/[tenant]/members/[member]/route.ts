import { operations } from "@pilothouse/contract";
import { changeMember, getMember, removeMember } from "@pilothouse/core";
import { tagged } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.getMember, async ({ context, params }) =>
  tagged(await getMember(context, { id: params.member })),
);
export const PATCH = route(operations.changeMember, ({ context, params, body, ifMatch }) =>
  changeMember(context, { id: params.member, ifMatch, body }),
);
export const DELETE = route(operations.removeMember, ({ context, params, ifMatch }) =>
  removeMember(context, { id: params.member, ifMatch }),
);

export { answerOther as OPTIONS, answerOther as POST, answerOther as PUT } from "#server/answer-other.ts";
