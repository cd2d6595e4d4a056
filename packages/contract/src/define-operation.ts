import type { z } from "zod";
import type { ProblemCode } from "./problems.ts";
import type { TenantRole } from "./resources/api-key.ts";

/**
 * Who may call: a key or member of the tenant with at least a role; the platform, by its key or an operator; a person that is signed in; any key or
 * person (`anyone`); or the whole world (`public`).
 */
export type Scope =
  | { kind: "tenant"; role: TenantRole }
  | { kind: "platform" }
  | { kind: "person" }
  | { kind: "anyone" }
  | { kind: "public" };

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** One kind of success. */
export interface ResponseDefinition {
  description: string;
  /** Of the JSON body; without it there is none. */
  schema?: z.ZodType;
  /** `etag`: the generation of what is answered, for If-Match. `location`: where what was made, or its operation, is found. */
  headers?: readonly ("etag" | "location")[];
  /** Set where the answer is also to be had as a stream of server-sent events. */
  stream?: { description: string };
}

/** One method of one path: what routes bind, what the OpenAPI document lists, and what the client calls. */
export interface OperationDefinition<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType | undefined = z.ZodType | undefined,
  Responses extends Readonly<Record<number, ResponseDefinition>> = Readonly<Record<number, ResponseDefinition>>,
> {
  /** camelCase; the name under which it is exported. */
  readonly id: string;
  readonly method: Method;
  /** Behind `/api/v1`, with parameters in braces. */
  readonly path: `/${string}`;
  readonly summary: string;
  readonly description?: string;
  /** Heading in the document. */
  readonly tag: string;
  readonly scope: Scope;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly responses: Responses;
  /** What it can be refused for beside the causes that `listProblems` finds for every operation of its form. */
  readonly problems: readonly ProblemCode[];
  /** A POST that can be repeated under an Idempotency-Key. */
  readonly idempotent?: true;
  /** Whether a change must, or may, name the ETag it was based on. */
  readonly ifMatch?: "required" | "optional";
}

/** Any operation, where its types don't matter. */
export type AnyOperation = OperationDefinition;

/** Returns the operation as it is, with the exact types of its schemas. */
export function defineOperation<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType | undefined,
  const Responses extends Readonly<Record<number, ResponseDefinition>>,
>(operation: OperationDefinition<Params, Query, Body, Responses>): OperationDefinition<Params, Query, Body, Responses> {
  return operation;
}

/** What a handler gets: path and query parameters, and the body, all parsed. */
export interface OperationInput<Operation extends AnyOperation> {
  params: z.output<Operation["params"]>;
  query: z.output<Operation["query"]>;
  body: Operation["body"] extends z.ZodType ? z.output<Operation["body"]> : undefined;
}

/** Statuses with which an operation can succeed. */
export type SuccessStatus<Operation extends AnyOperation> = keyof Operation["responses"] & number;

/** Body of a success; undefined where it has none. */
export type SuccessBody<
  Operation extends AnyOperation,
  Status extends SuccessStatus<Operation> = SuccessStatus<Operation>,
> = Operation["responses"][Status] extends { schema: infer Schema extends z.ZodType } ? z.output<Schema> : undefined;

/**
 * Every cause for which an operation can be refused, in the order of their statuses' meaning: its own and those of its form. What is public
 * asks no database, so it can't be out of reach or late.
 */
export function listProblems(operation: AnyOperation): ProblemCode[] {
  const codes = new Set<ProblemCode>(["InvalidParameter", "NotAcceptable"]);
  const add = (...more: ProblemCode[]) => more.forEach((code) => codes.add(code));
  const { scope } = operation;
  if (scope.kind !== "public") add("Unauthenticated", "RateLimited", "CrossOrigin");
  if (scope.kind === "platform" || scope.kind === "person" || (scope.kind === "tenant" && scope.role !== "viewer"))
    add("Forbidden");
  if (scope.kind === "tenant" || Object.keys(operation.params.shape).length > 0) add("NotFound");
  if (operation.body !== undefined) {
    add("MalformedRequest", "PayloadTooLarge", "UnsupportedMediaType", "InvalidField", "UnknownField");
  }
  if (operation.idempotent === true) add("IdempotencyKeyReused");
  if (operation.ifMatch !== undefined) add("PreconditionFailed");
  if (operation.ifMatch === "required") add("PreconditionRequired");
  add(...operation.problems);
  if (scope.kind !== "public") add("InternalError", "Unavailable", "TookTooLong");
  return [...codes];
}
