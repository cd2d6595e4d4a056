import { type Problem, type ProblemCode, problemMediaType, problems, problemType } from "@pilothouse/contract";
import { DomainError } from "@pilothouse/core";
import { describeError, log } from "./log.ts";

export interface ProblemOptions {
  requestId: string;
  headers?: Record<string, string>;
}

/** Headers of every answer of the API. */
export function commonHeaders(requestId: string): Record<string, string> {
  return { "cache-control": "no-store", "x-content-type-options": "nosniff", "x-request-id": requestId };
}

/** Seconds to wait before another try, where waiting can help. */
const retryAfterSeconds: Partial<Record<ProblemCode, number>> = {
  NoWorker: 10,
  TookTooLong: 2,
  TooManyStreams: 10,
  Unavailable: 2,
};

/** Answers what a handler threw: a DomainError in its own words, everything else as a fault of the service, which is logged. */
export function answerError(error: unknown, options: ProblemOptions): Response {
  if (!(error instanceof DomainError)) {
    log("error", "request failed", { requestId: options.requestId, ...describeError(error) });
    return answerProblem(
      new DomainError(
        "InternalError",
        `The service failed. Nothing more can be said here; its log has it under request ${options.requestId}.`,
      ),
      options,
    );
  }
  if (problems[error.code].status >= 500) {
    log("warn", "request not served", { requestId: options.requestId, ...describeError(error) });
  }
  return answerProblem(error, options);
}

function answerProblem(error: DomainError, { requestId, headers }: ProblemOptions): Response {
  const { status, title } = problems[error.code];
  const body: Problem = {
    ...error.details,
    type: problemType(error.code),
    title,
    status,
    detail: error.message,
    code: error.code,
    ...(error.parameter === undefined ? {} : { parameter: error.parameter }),
    requestId,
  };
  const retryAfter = retryAfterSeconds[error.code];
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      ...commonHeaders(requestId),
      "content-type": problemMediaType,
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
      ...(status === 401 ? { "www-authenticate": 'Bearer realm="pilothouse"' } : {}),
      ...headers,
    },
  });
}
