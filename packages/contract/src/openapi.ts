import { z } from "zod";
import { type AnyOperation, listProblems, type ResponseDefinition } from "./define-operation.ts";
import { eventNoticeSchema } from "./events.ts";
import * as operations from "./operations/index.ts";
import { type ProblemCode, problemMediaType, problems, problemSchema } from "./problems.ts";

type JsonObject = Record<string, unknown>;

/** Path under which every operation is found. */
export const apiPrefix = "/api/v1";

/** All operations, by path, the tenants' before the provider's. */
export const allOperations: readonly AnyOperation[] = Object.values<AnyOperation>(operations).toSorted((a, b) =>
  sortKey(a) < sortKey(b) ? -1 : 1,
);

function sortKey({ scope, path, method }: AnyOperation): string {
  const methods = ["GET", "POST", "PATCH", "DELETE"];
  return `${scope.kind === "platform" ? "b" : "a"} ${path} ${methods.indexOf(method)}`;
}

/** What the paths of a document refer to. */
interface Components {
  schemas: JsonObject;
  responses: JsonObject;
}

/** Headers that the service reads, by name; the same object describes and checks them. */
export const idempotencyKeySchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, { error: "must be 1 to 200 visible ASCII characters" });

/** `*`, or a list of ETags. */
export const ifMatchSchema = z
  .string()
  .max(500)
  .regex(/^(\*|(W\/)?"[\x21\x23-\x7e]*"(, ?(W\/)?"[\x21\x23-\x7e]*")*)$/, {
    error: 'must be an ETag as it was answered, such as `"3"`, or `*`',
  });

/**
 * The OpenAPI 3.1 document, from the same operation objects that the service's routes bind.
 * @param version of the service
 */
export function createOpenApiDocument(version: string): JsonObject {
  const components: Components = { schemas: {}, responses: {} };
  const paths: Record<string, JsonObject> = {};
  for (const operation of allOperations) {
    const path = (paths[operation.path] ??= {});
    path[operation.method.toLowerCase()] = describeOperation(operation, components);
  }
  const problem = describeSchema(problemSchema, "output", components);
  return {
    openapi: "3.1.1",
    info: {
      title: "Pilothouse",
      version,
      summary: "External Istio control planes as a service",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: apiPrefix }],
    security: [{ apiKey: [] }, { session: [] }],
    tags: [...new Set(allOperations.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        apiKey: { type: "http", scheme: "bearer", description: "An API key" },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "pilothouse-session",
          description: "The portal's, from its own pages alone. Over https its name begins with `__Host-`",
        },
      },
      responses: {
        ...components.responses,
        Problem: { description: "Any other problem", content: { [problemMediaType]: { schema: problem } } },
      },
      schemas: components.schemas,
    },
  };
}

function describeOperation(operation: AnyOperation, components: Components): JsonObject {
  return {
    operationId: operation.id,
    summary: operation.summary,
    description: describeRights(operation),
    tags: [operation.tag],
    ...(operation.scope.kind === "public" ? { security: [] } : {}),
    ...(operation.scope.kind === "person" ? { security: [{ session: [] }] } : {}),
    parameters: [
      ...describeParameters("path", operation.params, components),
      ...describeParameters("query", operation.query, components),
      ...describeHeaders(operation),
    ],
    ...(operation.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { "application/json": { schema: describeSchema(operation.body, "input", components) } },
          },
        }),
    responses: describeResponses(operation, components),
  };
}

function describeRights({ scope, description }: AnyOperation): string {
  const rights = {
    tenant: () =>
      `Needs a key or a member of the tenant with role \`${scope.kind === "tenant" ? scope.role : ""}\` or more.`,
    platform: () => "Needs a key of the platform, or an operator.",
    person: () => "Needs somebody who is signed in.",
    anyone: () => "Needs any key, or somebody who is signed in.",
    public: () => "Needs no key.",
  }[scope.kind]();
  return description === undefined ? rights : `${description}\n\n${rights}`;
}

function describeParameters(place: "path" | "query", schema: z.ZodObject, components: Components): JsonObject[] {
  return Object.entries<z.core.$ZodType>(schema.shape).map(([name, field]) => {
    const described = describeSchema(field, "output", components);
    const { description, ...rest } = described;
    return {
      name,
      in: place,
      required: place === "path" || !z.safeParse(field, undefined).success,
      ...(description === undefined ? {} : { description }),
      ...(rest["type"] === "array" ? { style: "form", explode: false } : {}),
      schema: rest,
    };
  });
}

function describeHeaders(operation: AnyOperation): JsonObject[] {
  const headers: JsonObject[] = [];
  const add = (name: string, schema: z.ZodType, required: boolean, description: string) =>
    headers.push({
      name,
      in: "header",
      required,
      description,
      schema: describeSchema(schema, "input", { schemas: {}, responses: {} }),
    });
  if (operation.idempotent === true) {
    add(
      "Idempotency-Key",
      idempotencyKeySchema,
      false,
      "Any text of one's own, new for each wish. The same request under the same key is carried out once, for a day, and gets the same answer.",
    );
  }
  if (operation.ifMatch !== undefined) {
    add("If-Match", ifMatchSchema, operation.ifMatch === "required", "ETag that the change is based on.");
  }
  return headers;
}

function describeResponses(operation: AnyOperation, components: Components): JsonObject {
  const responses: JsonObject = {};
  for (const [status, response] of Object.entries(operation.responses)) {
    responses[status] = describeSuccess(operation, response, components);
  }
  const byStatus = Map.groupBy(listProblems(operation), (code) => problems[code].status);
  for (const [status, codes] of [...byStatus].toSorted(([a], [b]) => a - b)) {
    responses[String(status)] = describeProblems(status, codes, components);
  }
  responses["default"] = { $ref: "#/components/responses/Problem" };
  return responses;
}

function describeSuccess(operation: AnyOperation, response: ResponseDefinition, components: Components): JsonObject {
  const header = (description: string) => ({ description, schema: { type: "string" } });
  const headers: JsonObject = { "X-Request-Id": header("Names this request in the service's log") };
  if (response.headers?.includes("etag") === true) headers["ETag"] = header("Generation of what is answered");
  if (response.headers?.includes("location") === true) headers["Location"] = header("Path of what was made or begun");
  if (operation.idempotent === true) {
    headers["Idempotency-Replayed"] = header("`true` when this is the answer to an earlier request");
  }
  const content: JsonObject = {};
  if (response.schema !== undefined) {
    content["application/json"] = { schema: describeSchema(response.schema, "output", components) };
  }
  if (response.stream !== undefined) {
    describeSchema(eventNoticeSchema, "output", components);
    content["text/event-stream"] = { schema: { type: "string", description: response.stream.description } };
  }
  return { description: response.description, headers, ...(Object.keys(content).length > 0 ? { content } : {}) };
}

function describeProblems(status: number, codes: readonly ProblemCode[], components: Components): JsonObject {
  const name = codes.join("-");
  const headers: JsonObject = {};
  if (status === 429 || status === 503) {
    headers["Retry-After"] = { description: "Seconds to wait", schema: { type: "integer" } };
  }
  if (status === 401) headers["WWW-Authenticate"] = { description: "`Bearer`", schema: { type: "string" } };
  components.responses[name] ??= {
    description: codes.map((code) => `\`${code}\`: ${problems[code].title}.`).join("\n\n"),
    headers,
    content: {
      [problemMediaType]: {
        schema: {
          allOf: [describeSchema(problemSchema, "output", components), { properties: { code: { enum: codes } } }],
        },
      },
    },
  };
  return { $ref: `#/components/responses/${name}` };
}

/** The schema in JSON Schema 2020-12; those that have an id go to the components and are referred to. */
function describeSchema(
  schema: z.ZodType | z.core.$ZodType,
  io: "input" | "output",
  { schemas }: Components,
): JsonObject {
  const {
    $schema: _,
    $defs: definitions = {},
    ...described
  } = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    reused: "inline",
    override: ({ jsonSchema }) => {
      delete jsonSchema.id;
    },
  });
  for (const [name, definition] of Object.entries(definitions)) schemas[name] = relink(definition);
  return relink(described);
}

function relink(schema: object): JsonObject {
  const text = JSON.stringify(schema).replaceAll('"$ref":"#/$defs/', '"$ref":"#/components/schemas/');
  return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
}
