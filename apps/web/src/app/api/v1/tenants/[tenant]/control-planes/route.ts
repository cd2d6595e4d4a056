import { operations } from "@pilothouse/contract";
import { createControlPlane, listControlPlanes } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listControlPlanes, async ({ context, query }) =>
  ok(await listControlPlanes(context, query)),
);

export const POST = route(operations.createControlPlane, ({ context, body }) => createControlPlane(context, body));

export {
  answerOther as OPTIONS,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
