import type { Problem, ProblemCode } from "./problems.ts";

/** An answer that is not a success, with all that the service said about it. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;
  /** Cause: one of this version's codes, or one that a newer service added. */
  readonly code: ProblemCode | (string & {});
  readonly status: number;
  /** What the service asks to wait before another try, in seconds. */
  readonly retryAfterSeconds: number | undefined;

  constructor(problem: Problem, retryAfterSeconds?: number) {
    super(problem.detail);
    this.problem = problem;
    this.code = problem.code;
    this.status = problem.status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** No answer came, or none that this client understands: whether the request was carried out is not known. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
}

/** Events that a watch would have gone on with are not kept any more: whatever was read before may be out of date. */
export class EventsErasedError extends Error {
  override readonly name = "EventsErasedError";
}
