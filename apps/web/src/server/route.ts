import { createHash, randomUUID } from "node:crypto";
import {
  type AnyOperation,
  hasRole,
  idempotencyKeySchema,
  ifMatchSchema,
  type OperationInput,
  type SuccessBody,
} from "@pilothouse/contract";
import { type Actor, type Answer, DomainError, type RequestContext } from "@pilothouse/core";
import { answerError, commonHeaders } from "./answer-problem.ts";
import { authenticate, type Caller, RateLimitError } from "./authenticate.ts";
import { log } from "./log.ts";
import { qualityOf, wantsEventStream } from "./media-types.ts";
import { parseInput } from "./parse-input.ts";
import { readJsonBody } from "./read-body.ts";
import { getService, type Service } from "./service.ts";

/** What Next calls. */
export type RouteHandler = (
  request: Request,
  context: { params: Promise<Record<string, string | string[] | undefined>> },
) => Promise<Response>;

/** A request as its handler sees it: checked, parsed, and with the context that verbs want. */
export interface Call<Operation extends AnyOperation> extends OperationInput<Operation> {
  context: RequestContext;
  /** Who asks, where the operation is not public. */
  caller: Caller | undefined;
  /** If-Match as it came. */
  ifMatch: string | undefined;
  service: Service;
}

/** What a handler returns: one of the operation's successes. */
export type HandlerAnswer<Operation extends AnyOperation> = Omit<Answer<SuccessBody<Operation>>, "replayed"> & {
  replayed?: boolean;
};

/** Answers a request for an event stream. */
export type StreamHandler = (call: {
  context: RequestContext;
  service: Service;
  caller: Caller;
  lastEventId: string | null;
}) => Promise<ReadableStream<Uint8Array>>;

/** Longest time for one request, in milliseconds; a transaction's own limits are shorter. */
const timeLimitMs = 20_000;

/**
 * Binds a handler to an operation of the contract. Everything that is the same for all of them happens here: who asks, whether they may, how
 * often, the request's form, its time limit, and the form of the answer.
 */
export function route<Operation extends AnyOperation>(
  operation: Operation,
  handler: (call: Call<Operation>) => Promise<HandlerAnswer<Operation>>,
  streamHandler?: StreamHandler,
): RouteHandler {
  return async (request, { params }) => {
    const startedAt = performance.now();
    const requestId = readRequestId(request.headers);
    const seen: { principal?: string } = {};
    const response = await answer().catch((error: unknown) =>
      answerError(error, {
        requestId,
        ...(error instanceof RateLimitError ? { headers: { "retry-after": String(error.retryAfterSeconds) } } : {}),
      }),
    );
    log("info", "request", {
      requestId,
      operation: operation.id,
      status: response.status,
      durationMs: Math.round(performance.now() - startedAt),
      ...seen,
    });
    return response;

    async function answer(): Promise<Response> {
      const service = getService();
      const caller = await admit(operation, request, service);
      if (caller !== undefined) seen.principal = `${caller.principal.kind}:${caller.principal.id}`;
      // Next hands in none where the path has none, whatever its types say.
      const pathParams = { ...(await params) };
      const seat = findSeat(operation, caller, pathParams["tenant"]);
      const isStream = streamHandler !== undefined && wantsEventStream(request.headers.get("accept"));
      if (!isStream) checkAccept(request.headers);
      return withTimeLimit(isStream ? answerStream() : answerJson());

      async function answerJson(): Promise<Response> {
        const call = await readCall(operation, request, pathParams, { service, caller, seat, requestId });
        return writeAnswer(operation, await handler(call), requestId);
      }
      async function answerStream(): Promise<Response> {
        if (caller === undefined || streamHandler === undefined) throw new Error(`${operation.id} has no stream`);
        const call = await readCall(operation, request, pathParams, { service, caller, seat, requestId });
        const lastEventId = request.headers.get("last-event-id");
        // Next has GET answer HEAD and drops the body unread: a stream would stay open for nobody.
        const isHead = request.method === "HEAD";
        const body = isHead ? null : await streamHandler({ context: call.context, service, caller, lastEventId });
        if (body !== null) cancelWithRequest(body, request.signal);
        return new Response(body, {
          headers: {
            ...commonHeaders(requestId),
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store, no-transform",
            "x-accel-buffering": "no",
          },
        });
      }
    }
  };
}

/** Lets go of a body whose client went before Next began to read it: Next drops it then as it is. Once it is read, Next cancels it itself. */
function cancelWithRequest(body: ReadableStream, signal: AbortSignal): void {
  const cancel = () => void body.cancel().catch(() => {});
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
}

/** The name a caller gave the request, or a new one. */
export function readRequestId(headers: Headers): string {
  const given = headers.get("x-request-id") ?? "";
  return /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomUUID();
}

/** Finds out who asks, and counts the request. Keys that are not valid are counted, too, before the database is asked for them. */
async function admit(operation: AnyOperation, request: Request, service: Service): Promise<Caller | undefined> {
  if (operation.scope.kind === "public") return undefined;
  return authenticate(request, service);
}

/** In which part a caller asks: as somebody of a tenant, or for the platform. */
type Seat = Pick<Actor, "tenantId" | "tenantName" | "role">;

const noSeat: Seat = { tenantId: null, tenantName: null, role: "viewer" };

/**
 * Finds the part in which a caller may call an operation.
 * @throws DomainError Unauthenticated, Forbidden, or NotFound for tenants of others
 */
function findSeat({ scope }: AnyOperation, caller: Caller | undefined, tenant: unknown): Seat {
  if (scope.kind === "public") return noSeat;
  if (caller === undefined) throw new DomainError("Unauthenticated", "Send an API key.");
  if (scope.kind === "anyone") return noSeat;
  if (scope.kind === "person") {
    if (caller.person === undefined) throw new DomainError("Forbidden", "This is for people that are signed in.");
    return noSeat;
  }
  if (scope.kind === "platform") {
    if (!caller.isPlatform) throw new DomainError("Forbidden", "This is for the platform's keys and operators.");
    return { tenantId: null, tenantName: null, role: "platform" };
  }
  const membership = caller.memberships.find((one) => one.tenant === tenant);
  if (membership === undefined) throw new DomainError("NotFound", "There is no such tenant here for you.");
  const { tenantId, tenant: tenantName, role } = membership;
  if (!hasRole(role, scope.role))
    throw new DomainError("Forbidden", `This needs the role ${scope.role}, and yours is ${role}.`);
  return { tenantId, tenantName, role };
}

function checkAccept(headers: Headers): void {
  if (qualityOf(headers.get("accept"), "application/json") > 0) return;
  throw new DomainError("NotAcceptable", "This is answered in application/json only.", { parameter: "Accept" });
}

interface Asker {
  service: Service;
  caller: Caller | undefined;
  seat: Seat;
  requestId: string;
}

async function readCall<Operation extends AnyOperation>(
  operation: Operation,
  request: Request,
  pathParams: Record<string, string | string[] | undefined>,
  { service, caller, seat, requestId }: Asker,
): Promise<Call<Operation>> {
  const parameterCodes = { invalid: "InvalidParameter", unknown: "InvalidParameter" } as const;
  const params = parseInput(operation.params, pathParams, parameterCodes);
  const query = parseInput(operation.query, readQuery(new URL(request.url)), parameterCodes);
  const ifMatch = readHeader(request.headers, "if-match", ifMatchSchema, operation.ifMatch !== undefined);
  const idempotencyKey = readHeader(
    request.headers,
    "idempotency-key",
    idempotencyKeySchema,
    operation.idempotent === true,
  );
  if (operation.ifMatch === "required" && ifMatch === undefined) {
    throw new DomainError("PreconditionRequired", "Send If-Match with the ETag that the object was read with.", {
      parameter: "If-Match",
    });
  }
  const sent: unknown = operation.body === undefined ? undefined : await readJsonBody(request);
  const body: unknown =
    operation.body === undefined
      ? undefined
      : parseInput(operation.body, sent, { invalid: "InvalidField", unknown: "UnknownField" });
  const idempotency =
    idempotencyKey === undefined ? undefined : { key: idempotencyKey, requestHash: hashRequest(request, sent) };
  const principal = caller?.principal ?? { kind: "key", id: "" };
  const context = service.createContext({ principal, ...seat, requestId }, idempotency);
  return typeCall<Operation>({ params, query, body, ifMatch, caller, service, context });
}

/** Each part has just been parsed by the operation's own schema, which TypeScript can't follow through the generic parameter. */
function typeCall<Operation extends AnyOperation>(
  call: Omit<Call<AnyOperation>, "params" | "query" | "body"> & { params: unknown; query: unknown; body: unknown },
): Call<Operation> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each part has been parsed, see above
  return call as Call<Operation>;
}

function readQuery({ searchParams }: URL): Record<string, string> {
  for (const name of searchParams.keys()) {
    if (searchParams.getAll(name).length < 2) continue;
    const parameter = name.slice(0, 100);
    throw new DomainError("InvalidParameter", `${parameter} is given more than once.`, { parameter });
  }
  return Object.fromEntries(searchParams);
}

/** A header that this operation reads; one that it does not is left alone. */
function readHeader(
  headers: Headers,
  name: string,
  schema: typeof idempotencyKeySchema,
  isRead: boolean,
): string | undefined {
  const value = headers.get(name);
  if (value === null || !isRead) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const parameter = name === "if-match" ? "If-Match" : "Idempotency-Key";
  const reason = parsed.error.issues[0]?.message ?? "is not valid";
  throw new DomainError("InvalidParameter", `${parameter} ${reason}.`, { parameter });
}

/** Tells one request from another under the same Idempotency-Key, however its JSON is spaced. */
function hashRequest(request: Request, body: unknown): Uint8Array {
  const text = JSON.stringify([request.method, new URL(request.url).pathname, body]);
  return createHash("sha256").update(text).digest();
}

async function withTimeLimit(work: Promise<Response>): Promise<Response> {
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true;
      reject(
        new DomainError(
          "TookTooLong",
          "This took too long. Whether it was carried out is not known: look, then try again.",
        ),
      );
    }, timeLimitMs);
  });
  // A stream that comes too late has no reader, and would be held open for nobody.
  void work.then((response) => (isLate ? response.body?.cancel() : undefined)).catch(() => {});
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

function writeAnswer(
  operation: AnyOperation,
  { status, body, etag, location, replayed }: Omit<Answer<unknown>, "replayed"> & { replayed?: boolean },
  requestId: string,
): Response {
  const response = operation.responses[status];
  if (response === undefined) throw new Error(`${operation.id} answered ${status}, which the contract does not know`);
  const headers: Record<string, string> = {
    ...commonHeaders(requestId),
    ...(etag === undefined ? {} : { etag }),
    ...(location === undefined ? {} : { location }),
    ...(replayed === true ? { "idempotency-replayed": "true" } : {}),
  };
  if (response.schema === undefined) return new Response(null, { status, headers });
  return new Response(JSON.stringify(body), { status, headers: { ...headers, "content-type": "application/json" } });
}
