import type { z } from "zod";
import { ConnectionError, ProblemError } from "./client-errors.ts";
import type { AnyOperation, SuccessBody, SuccessStatus } from "./define-operation.ts";
import { apiPrefix } from "./openapi.ts";
import { problemMediaType, problemSchema } from "./problems.ts";

export interface ClientOptions {
  /** Where the service is, without `/api/v1`. */
  baseUrl: string;
  /** Absent in the portal's own pages, whose cookie says who asks. */
  apiKey?: string;
  /** Of one call, in milliseconds; 30,000 when absent. */
  timeoutMs?: number;
  fetch?: typeof fetch;
}

/** A strict object without keys is inferred as a record of nothing. */
type OptionalWhenEmpty<Name extends string, Value> = object extends Value
  ? { [Key in Name]?: Value }
  : string extends keyof Value
    ? { [Key in Name]?: Value }
    : { [Key in Name]: Value };

/** What a call takes: path parameters, query and body as the operation defines them. */
export type CallInput<Operation extends AnyOperation> = OptionalWhenEmpty<"params", z.input<Operation["params"]>> &
  (Operation["body"] extends z.ZodType ? { body: z.input<Operation["body"]> } : { body?: undefined }) & {
    query?: Partial<z.output<Operation["query"]>>;
    /** For a POST: new for each wish, the same for each try of it. */
    idempotencyKey?: string;
    /** `etag` of what the change is based on. */
    ifMatch?: string;
    signal?: AbortSignal;
  };

interface AnswerHeaders {
  etag: string | undefined;
  location: string | undefined;
  requestId: string | undefined;
  /** true when this is the answer to an earlier request with the same Idempotency-Key. */
  replayed: boolean;
}

/** A success: its status decides the type of its body. */
export type CallResult<Operation extends AnyOperation> = {
  [Status in SuccessStatus<Operation>]: AnswerHeaders & { status: Status; body: SuccessBody<Operation, Status> };
}[SuccessStatus<Operation>];

export interface Client {
  /**
   * Calls one operation once.
   * @throws ProblemError when the service refuses or fails; ConnectionError when it does not answer in time, or not in its own words
   */
  call: <Operation extends AnyOperation>(
    operation: Operation,
    input: CallInput<Operation>,
  ) => Promise<CallResult<Operation>>;
  /** Sends one request as it is, with the key. For streams. */
  send: (method: string, path: string, init: SendOptions) => Promise<Response>;
}

export interface SendOptions {
  headers?: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

interface LooseInput {
  params?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  idempotencyKey?: string;
  ifMatch?: string;
  signal?: AbortSignal;
}

/** Makes a client of the REST API from the operations themselves. Holds no connection. */
export function createClient(options: ClientOptions): Client {
  const { baseUrl, apiKey, timeoutMs = 30_000, fetch: request = fetch } = options;
  const send = async (method: string, path: string, { headers, body, signal }: SendOptions): Promise<Response> => {
    try {
      return await request(`${baseUrl.replace(/\/$/, "")}${apiPrefix}${path}`, {
        method,
        headers: { ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }), ...headers },
        ...(body === undefined ? {} : { body }),
        signal,
        redirect: "error",
      });
    } catch (error) {
      throw describeFailure(method, path, error);
    }
  };
  const call = async (operation: AnyOperation, input: LooseInput) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = input.signal === undefined ? timeout : AbortSignal.any([input.signal, timeout]);
    const path = writePath(operation, input);
    const response = await send(operation.method, path, {
      headers: writeHeaders(input),
      ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
      signal,
    });
    const text = await readText(response, operation.method, path);
    if (!response.ok) throw readProblem(response, text, `${operation.method} ${path}`);
    return {
      status: response.status,
      body: text === "" ? undefined : parseJson(text, `${operation.method} ${path}`),
      etag: response.headers.get("etag") ?? undefined,
      location: response.headers.get("location") ?? undefined,
      requestId: response.headers.get("x-request-id") ?? undefined,
      replayed: response.headers.get("idempotency-replayed") === "true",
    };
  };
  return { call: typeCall(call), send };
}

/**
 * Gives `call` the types of the operation's schemas. Bodies are not checked against them once more: the service's tests do that for every
 * answer, and a newer service may add fields.
 */
function typeCall(call: (operation: AnyOperation, input: LooseInput) => Promise<unknown>): Client["call"] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one call for all operations; what its caller hands in decides the types
  return call as Client["call"];
}

type Place = Pick<LooseInput, "params" | "query">;

const writePath = (operation: AnyOperation, { params = {}, query = {} }: Place): string =>
  fillPath(operation.path, params) + writeQuery(query);

/** The address of a call, from the origin on. */
export const addressOf = (operation: AnyOperation, place: Place): string => apiPrefix + writePath(operation, place);

/** Puts parameters into a path's braces. */
export function fillPath(path: string, params: Record<string, unknown>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));
}

function writeQuery(query: Record<string, unknown>): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}

function writeHeaders({ body, idempotencyKey, ifMatch }: LooseInput): Record<string, string> {
  return {
    accept: `application/json, ${problemMediaType}`,
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
    ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
  };
}

async function readText(response: Response, method: string, path: string): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw describeFailure(method, path, error);
  }
}

function describeFailure(method: string, path: string, error: unknown): Error {
  const cause =
    error instanceof Error && error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error;
  return new ConnectionError(
    `${method} ${path} got no answer (${cause instanceof Error ? cause.message : String(cause)}). Check the address and try again.`,
    { cause: error },
  );
}

/** Reads a refusal. An answer that is no problem document, as from a proxy in between, becomes a ConnectionError. */
export function readProblem(response: Response, text: string, request: string): Error {
  const isProblem = response.headers.get("content-type")?.startsWith(problemMediaType) === true;
  const problem = isProblem ? problemSchema.safeParse(parseJson(text, request)) : undefined;
  if (problem?.success === true) {
    const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
    return new ProblemError(problem.data, Number.isFinite(retryAfter) ? retryAfter : undefined);
  }
  return new ConnectionError(
    `${request} was answered ${response.status} by something that is not Pilothouse. Check the address, and what stands between.`,
  );
}

function parseJson(text: string, request: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConnectionError(`${request} was answered with something that is not JSON. Check the address.`, {
      cause: error,
    });
  }
}
