/** What no other route has. */
export {
  answerOther as OPTIONS,
  answerOther as DELETE,
  answerOther as GET,
  answerOther as PATCH,
  answerOther as POST,
  answerOther as PUT,
} from "#server/answer-other.ts";
