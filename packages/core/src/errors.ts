import type { ProblemCode } from "@pilothouse/contract";

/** A request that cannot be carried out, in the words of the contract's problem codes. Everything else that is thrown is a fault of this program. */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly code: ProblemCode;
  /** Where in the request the fault is: a body field (`capacity.slots`), a path or query parameter, or a header. */
  readonly parameter?: string;
  /** Members beyond those of RFC 9457, e.g. `rejected` of a placement. */
  readonly details?: Record<string, unknown>;

  /** @param message a sentence that says what is the case and what to do next */
  constructor(
    code: ProblemCode,
    message: string,
    more: { parameter?: string; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    if (more.parameter !== undefined) this.parameter = more.parameter;
    if (more.details !== undefined) this.details = more.details;
  }
}

/** For what is not there, or not the tenant's: the two look the same from outside. */
export function notFound(kind: string, name: string): DomainError {
  return new DomainError("NotFound", `There is no ${kind} ${name} here. Check the name.`);
}

/** For a body field that names something that does not exist. */
export function unknownReference(parameter: string, kind: string, name: string): DomainError {
  return new DomainError("UnknownReference", `There is no ${kind} ${name}.`, { parameter });
}
