import { operations } from "@pilothouse/contract";
import { disconnectCluster, getCluster } from "@pilothouse/core";
import { tagged } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.getCluster, async ({ context, params }) =>
  tagged(await getCluster(context, { name: params.cluster })),
);

export const DELETE = route(operations.disconnectCluster, ({ context, params, ifMatch }) =>
  disconnectCluster(context, { name: params.cluster, ifMatch }),
);

export {
  answerOther as OPTIONS,
  answerOther as POST,
  answerOther as PUT,
  answerOther as PATCH,
} from "#server/answer-other.ts";
