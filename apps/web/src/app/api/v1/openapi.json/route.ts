import { createOpenApiDocument, operations } from "@pilothouse/contract";
import { ok } from "#server/answers.ts";
import { route } from "#server/route.ts";
import { serviceVersion } from "#server/version.ts";

const document = createOpenApiDocument(serviceVersion);

export const GET = route(operations.getOpenApiDocument, async () => ok(document));

export {
  answerOther as OPTIONS,
  answerOther as DELETE,
  answerOther as PATCH,
  answerOther as POST,
  answerOther as PUT,
} from "#server/answer-other.ts";
