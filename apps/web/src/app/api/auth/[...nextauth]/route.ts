export { answerAuth as GET, answerAuth as POST } from "#server/answer-auth.ts";

export {
  answerOther as OPTIONS,
  answerOther as PUT,
  answerOther as PATCH,
  answerOther as DELETE,
} from "#server/answer-other.ts";
