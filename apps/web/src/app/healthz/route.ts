/** Whether this process answers at all; nothing else is asked. */
export function GET(request: Request): Response {
  void request.headers;
  return Response.json({ status: "ok" }, { headers: { "cache-control": "no-store" } });
}

export {
  answerOther as OPTIONS,
  answerOther as DELETE,
  answerOther as PATCH,
  answerOther as POST,
  answerOther as PUT,
} from "#server/answer-other.ts";
