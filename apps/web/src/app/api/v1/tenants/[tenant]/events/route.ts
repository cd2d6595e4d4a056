import { operations } from "@pilothouse/contract";
import { listEvents } from "@pilothouse/core";
import { ok } from "#server/answers.ts";
import { openEventStream } from "#server/open-event-stream.ts";
import { route } from "#server/route.ts";

export const GET = route(
  operations.listEvents,
  async ({ context, query }) => ok(await listEvents(context, query)),
  openEventStream,
);

export {
  answerOther as OPTIONS,
  answerOther as DELETE,
  answerOther as PATCH,
  answerOther as POST,
  answerOther as PUT,
} from "#server/answer-other.ts";
