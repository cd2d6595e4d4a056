import { operations } from "@pilothouse/contract";
import { connectCluster, listClusters } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.listClusters, async ({ context, query }) => ok(await listClusters(context, query)));

export const POST = route(operations.connectCluster, ({ context, body }) => connectCluster(context, body));

export {
  answerOther as OPTIONS,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
