import { operations } from "@pilothouse/contract";
import { changeIstiodCluster, deleteIstiodCluster, getIstiodCluster } from "@pilothouse/core";
import { tagged } from "#server/answers.ts";
import { route } from "#server/route.ts";

export const GET = route(operations.getIstiodCluster, async ({ context, params }) =>
  tagged(await getIstiodCluster(context, { name: params.istiodCluster })),
);

export const PATCH = route(operations.changeIstiodCluster, ({ context, params, body, ifMatch }) =>
  changeIstiodCluster(context, { name: params.istiodCluster, ifMatch, body }),
);

export const DELETE = route(operations.deleteIstiodCluster, ({ context, params, ifMatch }) =>
  deleteIstiodCluster(context, { name: params.istiodCluster, ifMatch }),
);

export { answerOther as OPTIONS, answerOther as POST, answerOther as PUT } from "#server/answer-other.ts";
