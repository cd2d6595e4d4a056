import { operations } from "@pilothouse/contract";
import { createIstiodCluster, listIstiodClusters } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listIstiodClusters, async ({ context, query }) =>
  ok(await listIstiodClusters(context, query)),
);

export const POST = route(operations.createIstiodCluster, ({ context, body }) => createIstiodCluster(context, body));

export {
  answerOther as OPTIONS,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
