import { checkReadiness } from "#server/readiness.ts";

/** Whether requests may come here: the database answers, and the process is not shutting down. */
export async function GET(request: Request): Promise<Response> {
  void request.headers;
  const { ready, reason } = await checkReadiness();
  return Response.json(
    { status: ready ? "ready" : "not ready", reason },
    { status: ready ? 200 : 503, headers: { "cache-control": "no-store" } },
  );
}

export {
  answerOther as OPTIONS,
  answerOther as DELETE,
  answerOther as PATCH,
  answerOther as POST,
  answerOther as PUT,
} from "#server/answer-other.ts";
