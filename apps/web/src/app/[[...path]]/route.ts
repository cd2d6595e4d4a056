/** What no other route has. When there are pages, theirs takes its place outside of `/api`. */
export {
  answerOther as OPTIONS,
  answerOther as DELETE,
  answerOther as GET,
  answerOther as PATCH,
  answerOther as POST,
  answerOther as PUT,
} from "#server/answer-other.ts";
