import { operations } from "@pilothouse/contract";
import { getFleetControlPlane } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.getFleetControlPlane, async ({ context, params }) =>
  ok(await getFleetControlPlane(context, { id: params.controlPlaneId })),
);

export {
  answerOther as OPTIONS,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
