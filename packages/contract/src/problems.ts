import { z } from "zod";

interface ProblemKind {
  /** HTTP status. */
  status: number;
  /** The same for every occurrence, as RFC 9457 wants it. */
  title: string;
}

/** Every cause for which a request is refused or fails: the code a program branches on, its HTTP status and its title. */
export const problems = {
  MalformedRequest: { status: 400, title: "The request can't be read" },
  InvalidParameter: { status: 400, title: "A path, query or header parameter is not valid" },
  InvalidCursor: { status: 400, title: "The cursor is not one of this list" },
  Unauthenticated: { status: 401, title: "No valid API key or session came with the request" },
  CrossOrigin: { status: 403, title: "The request came from another site" },
  Forbidden: { status: 403, title: "The role does not allow this" },
  NotFound: { status: 404, title: "There is no such thing here" },
  MethodNotAllowed: { status: 405, title: "This path does not have this method" },
  NotAcceptable: { status: 406, title: "None of the media types asked for can be produced" },
  RequestTooSlow: { status: 408, title: "The request did not come in time" },
  AlreadyExists: { status: 409, title: "There is one of this name already" },
  InUse: { status: 409, title: "Others still depend on it" },
  BeingDeleted: { status: 409, title: "It is being deleted" },
  LastAdmin: { status: 409, title: "Somebody has to administer the tenant" },
  PasswordIsSet: { status: 409, title: "The person has a password already" },
  OperationInProgress: { status: 409, title: "Another operation on it is in progress" },
  ClusterNotConnected: { status: 409, title: "The cluster is not connected" },
  QuotaExceeded: { status: 409, title: "The tenant has as many as it may" },
  NoPlacement: { status: 409, title: "No istiod cluster can take it" },
  PreconditionFailed: { status: 412, title: "It has changed since it was read" },
  PayloadTooLarge: { status: 413, title: "The request's body is too large" },
  UnsupportedMediaType: { status: 415, title: "The request's body is not JSON" },
  InvalidField: { status: 422, title: "A field of the body is not valid" },
  UnknownField: { status: 422, title: "The body has a field that is not known" },
  UnknownReference: { status: 422, title: "A field names something that does not exist" },
  VersionNotAvailable: { status: 422, title: "The version can't be ordered" },
  VersionChangeUnsupported: { status: 422, title: "The version can't be changed in place" },
  IdempotencyKeyReused: { status: 422, title: "The Idempotency-Key was used for another request" },
  PreconditionRequired: { status: 428, title: "The change must say what it was based on" },
  RateLimited: { status: 429, title: "Too many requests" },
  TooManyStreams: { status: 429, title: "Too many event streams are open" },
  HeadersTooLarge: { status: 431, title: "The request's headers are too large" },
  InternalError: { status: 500, title: "The service failed" },
  NoWorker: { status: 503, title: "No worker has ever started, so secrets can't be sealed" },
  Unavailable: { status: 503, title: "The service can't answer now" },
  TookTooLong: { status: 503, title: "The request took too long" },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof problems;

/** Media type of RFC 9457. */
export const problemMediaType = "application/problem+json";

const faultSchema = z.object({
  /** Field of the body (`capacity.slots`), name of a path or query parameter, or of a header. */
  parameter: z.string(),
  detail: z.string(),
});

/** Body of an answer that is not a success (RFC 9457). Some codes add members of their own, as `rejected` of `NoPlacement`, or `quota`, `limit` and `used` of `QuotaExceeded`. */
export const problemSchema = z
  .looseObject({
    type: z.string().describe("URI of the problem's kind, `urn:pilothouse:problem:<code>`"),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe("What is the case here, and what to do next"),
    code: z.string().describe("Cause, for programs"),
    parameter: z.string().optional().describe("Where in the request the fault is"),
    errors: z.array(faultSchema).optional().describe("All faults, where there are several"),
    requestId: z.string().describe("Names this request in the service's log"),
  })
  .meta({ id: "Problem" });

export type Problem = z.infer<typeof problemSchema>;

/** Tells whether `code` is one of this version's codes; a newer service may answer others. */
export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(problems, code);
}

/** URI of a problem's kind. */
export function problemType(code: ProblemCode): string {
  return `urn:pilothouse:problem:${code}`;
}
