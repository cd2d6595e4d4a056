import { operations } from "@pilothouse/contract";
import { listFleetEvents } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { openFleetEventStream } from "#server/open-event-stream.ts";
import { route } from "#server/route.ts";

export const GET = route(
  operations.listFleetEvents,
  async ({ context, query }) => ok(await listFleetEvents(context, query)),
  openFleetEventStream,
);

export {
  answerOther as OPTIONS,
  answerOther as DELETE,
  answerOther as PATCH,
  answerOther as POST,
  answerOther as PUT,
} from "#server/answer-other.ts";
