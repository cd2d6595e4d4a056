import {
  allOperations,
  type AnyOperation,
  apiPrefix,
  fillPath,
  listProblems,
  problemMediaType,
  problems,
  problemSchema,
} from "@pilothouse/contract";

/** A request as a test words it, also a wrong one. */
export interface TestRequest {
  key?: string | undefined;
  params?: Record<string, string>;
  query?: string;
  body?: unknown;
  /** Sent as it is, in place of `body`. */
  rawBody?: string;
  headers?: Record<string, string>;
}

/** An answer that was found to be what the contract says. */
export interface SeenAnswer {
  status: number;
  /** Of a problem. */
  code: string | undefined;
  parameter: string | undefined;
  body: unknown;
  headers: Headers;
}

export interface ContractChecker {
  /** @throws Error when the answer is none of those that the contract lists for the operation */
  request: (operation: AnyOperation, request?: TestRequest) => Promise<SeenAnswer>;
  /** The same, where anything but a success is an error. */
  succeed: (operation: AnyOperation, request?: TestRequest) => Promise<SeenAnswer>;
  /** A checker of another server, which collects into the same. */
  at: (url: string) => ContractChecker;
  /** Every answer that the contract lists and no request got yet: `<operation> <status or code>`, or `<operation> <status> stream`. */
  listUnseen: () => string[];
}

/**
 * Sends requests and holds every answer against the contract.
 * @param seen collects what was answered, for several checkers together
 */
export function createContractChecker(url: string, seen = new Set<string>()): ContractChecker {
  const send: ContractChecker["request"] = async (operation, request = {}) => {
    const path = fillPath(operation.path, request.params ?? {});
    const response = await fetch(`${url}${apiPrefix}${path}${request.query ?? ""}`, {
      method: operation.method,
      headers: {
        ...(request.key === undefined ? {} : { authorization: `Bearer ${request.key}` }),
        ...(operation.body === undefined ? {} : { "content-type": "application/json" }),
        ...request.headers,
      },
      ...bodyOf(operation, request),
    });
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    // A stream has no end of its own.
    if (isStream) await response.body?.cancel();
    const text = isStream ? "" : await response.text();
    const answer = isStream
      ? checkStream(operation, response)
      : response.ok
        ? checkSuccess(operation, response, text)
        : checkProblem(operation, response, text);
    if (response.headers.get("x-request-id") === null) throw new Error(`${operation.id}: no X-Request-Id`);
    seen.add(`${operation.id} ${answer.code ?? answer.status}${isStream ? " stream" : ""}`);
    return answer;
  };
  return {
    request: send,
    at: (other) => createContractChecker(other, seen),
    succeed: async (operation, request) => {
      const answer = await send(operation, request);
      if (answer.code === undefined) return answer;
      throw new Error(`${operation.id} was refused: ${JSON.stringify(answer.body)}`);
    },
    listUnseen: () =>
      allOperations
        .flatMap((operation) => listAnswers(operation).map((what) => `${operation.id} ${what}`))
        .filter((what) => !seen.has(what)),
  };
}

function listAnswers(operation: AnyOperation): string[] {
  const successes = Object.entries(operation.responses).flatMap(([status, { stream }]) =>
    stream === undefined ? status : [status, `${status} stream`],
  );
  return [...successes, ...listProblems(operation)];
}

function bodyOf(operation: AnyOperation, { body, rawBody }: TestRequest): { body?: string } {
  if (rawBody !== undefined) return { body: rawBody };
  return operation.body === undefined ? {} : { body: JSON.stringify(body ?? {}) };
}

function checkSuccess(operation: AnyOperation, response: Response, text: string): SeenAnswer {
  const expected = operation.responses[response.status];
  if (expected === undefined)
    throw new Error(`${operation.id} answered ${response.status}, which the contract does not list`);
  const body: unknown = expected.schema === undefined ? undefined : expected.schema.parse(JSON.parse(text));
  for (const name of expected.headers ?? []) {
    if (response.headers.get(name) === null) throw new Error(`${operation.id} ${response.status}: no ${name}`);
  }
  return { status: response.status, code: undefined, parameter: undefined, body, headers: response.headers };
}

function checkStream(operation: AnyOperation, { status, headers }: Response): SeenAnswer {
  if (operation.responses[status]?.stream === undefined) {
    throw new Error(`${operation.id} answered ${status} with a stream, which the contract does not list`);
  }
  return { status, code: undefined, parameter: undefined, body: undefined, headers };
}

function checkProblem(operation: AnyOperation, response: Response, text: string): SeenAnswer {
  const place = `${operation.id} answered ${response.status} ${text.slice(0, 500)}`;
  if (response.headers.get("content-type") !== problemMediaType) throw new Error(`${place}: no problem document`);
  const { code, status, parameter } = problemSchema.parse(JSON.parse(text));
  const known = listProblems(operation).find((listed) => listed === code);
  if (known === undefined) throw new Error(`${place}: not a code that the contract lists`);
  if (status !== response.status || problems[known].status !== status) throw new Error(`${place}: statuses differ`);
  return { status, code, parameter, body: JSON.parse(text), headers: response.headers };
}
