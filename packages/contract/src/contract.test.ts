import { expect, test } from "vitest";
import { z } from "zod";
import { listProblems } from "./define-operation.ts";
import { allOperations, createOpenApiDocument, ifMatchSchema } from "./openapi.ts";
import * as operations from "./operations/index.ts";
import { problems } from "./problems.ts";
import { hasRole } from "./resources/api-key.ts";
import { createControlPlaneBodySchema } from "./resources/control-plane.ts";
import { eventIdSchema } from "./resources/event.ts";
import { createRegionBodySchema } from "./resources/region.ts";
import { lineNameSchema, namedPageQuerySchema, nameSchema, pageQuerySchema } from "./resources/common.ts";
import { emailSchema } from "./resources/user.ts";
import { createVersionLineBodySchema } from "./resources/version-line.ts";

test("every operation is exported under its own id, and has a method and path of its own", () => {
  expect(Object.entries(operations).map(([name, { id }]) => [name, id])).toEqual(
    Object.keys(operations).map((name) => [name, name]),
  );
  const places = allOperations.map(({ method, path }) => `${method} ${path}`);
  expect(new Set(places).size).toBe(places.length);
});

test.each(allOperations.map((operation) => [operation.id, operation] as const))("%s is well formed", (_, operation) => {
  const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  expect(Object.keys(operation.params.shape)).toEqual(inPath);
  expect(operation.path.startsWith("/admin/")).toBe(operation.scope.kind === "platform");
  expect(operation.body === undefined).toBe(operation.method === "GET" || operation.method === "DELETE");
  expect(operation.query.safeParse({ unknown: "1" }).success).toBe(false);
  expect(operation.body?.safeParse({ unknown: 1 }).success ?? false).toBe(false);
  for (const { headers, schema } of Object.values(operation.responses)) {
    expect(headers?.includes("etag") !== true || schema !== undefined).toBe(true);
  }
  expect(operation.ifMatch === "required").toBe(operation.method === "PATCH");
});

test("the document refers only to what it has, and every operation lists its problems", () => {
  const document = createOpenApiDocument("1.2.3");
  const text = JSON.stringify(document);
  expect(document).toMatchObject({ openapi: "3.1.1", info: { version: "1.2.3" } });
  const has = z.object({
    components: z.object({ schemas: z.record(z.string(), z.unknown()), responses: z.record(z.string(), z.unknown()) }),
    paths: z.record(z.string(), z.record(z.string(), z.object({ responses: z.record(z.string(), z.unknown()) }))),
  });
  const { components, paths } = has.parse(document);
  for (const [, kind, name] of text.matchAll(/"\$ref":"#\/([^"]+)\/([^"/]+)"/g)) {
    const held = kind === "components/schemas" ? components.schemas : components.responses;
    expect(Object.keys(held)).toContain(name);
  }
  for (const schema of Object.values(components.schemas)) expect(schema).not.toHaveProperty("$ref");
  for (const operation of allOperations) {
    const listed = Object.keys(paths[operation.path]?.[operation.method.toLowerCase()]?.responses ?? {});
    const statuses = listProblems(operation).map((code) => String(problems[code].status));
    expect(listed).toEqual(expect.arrayContaining([...Object.keys(operation.responses), ...statuses, "default"]));
  }
  expect(text).not.toContain("#/$defs/");
});

test("a control plane is ordered by a version or by a line, never by both", () => {
  const base = { name: "a", cluster: "shop" };
  const parse = (more: object) => createControlPlaneBodySchema.safeParse({ ...base, ...more }).success;
  expect([{ version: "1.32.1" }, { line: "1.32" }, {}, { version: "1.32.1", line: "1.32" }].map(parse)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test.each(["a", "a-1", "a".repeat(30)])("%s is a name", (name) => {
  expect(nameSchema.safeParse(name).success).toBe(true);
});

test.each(["", "-a", "a-", "1a", "A", "a_b", "a".repeat(31), "a\n", "ä"])("%j is not a name", (name) => {
  expect(nameSchema.safeParse(name).success).toBe(false);
});

test.each([
  ["1.32", true],
  [`1.${"2".repeat(10)}`, true],
  [`1.${"2".repeat(11)}`, false],
  ["1.02", false],
  ["1", false],
])("%s is a line: %s", (name, valid) => {
  expect(lineNameSchema.safeParse(name).success).toBe(valid);
});

test.each([
  ["2027-02-28", true],
  ["0001-01-01", true],
  ["0000-01-01", false],
  ["2027-02-30", false],
])("a line's support may end on %s: %s", (endOfSupport, valid) => {
  expect(createVersionLineBodySchema.safeParse({ name: "1.32", endOfSupport }).success).toBe(valid);
});

test.each([
  [{}, 50],
  [{ limit: "1" }, 1],
  [{ limit: "500" }, 500],
  [{ limit: "0" }, undefined],
  [{ limit: "501" }, undefined],
  [{ limit: " 5" }, undefined],
  [{ limit: "1e1" }, undefined],
  [{ limit: "" }, undefined],
])("the page query %j asks for %s items", (query, limit) => {
  expect(pageQuerySchema.safeParse(query).data?.limit).toBe(limit);
});

test.each([
  ["a,b-1", ["a", "b-1"]],
  ["a", ["a"]],
  ["", undefined],
  ["a,,b", undefined],
  ["a,B", undefined],
  [Array<string>(101).fill("a").join(","), undefined],
])("items are asked for by their names: %j", (names, wanted) => {
  expect(namedPageQuerySchema.safeParse({ names }).data?.names).toEqual(wanted);
});

test.each(["a\u0000b", "a\nb", "\ud800", "", "x".repeat(101)])("%j is refused as a display name", (displayName) => {
  expect(createRegionBodySchema.safeParse({ name: "eu", displayName }).success).toBe(false);
});

test("a display name may use all of Unicode", () => {
  expect(createRegionBodySchema.safeParse({ name: "eu", displayName: "Zürich 🏔 北京" }).success).toBe(true);
});

test.each([
  ['"1"', true],
  ["*", true],
  ['"1", W/"2"', true],
  ["1", false],
  ['"1"x', false],
  ["", false],
])("If-Match %s", (value, valid) => {
  expect(ifMatchSchema.safeParse(value).success).toBe(valid);
});

test.each([
  ["812-4711", true],
  ["0-0", true],
  ["-1", false],
  ["1", false],
  ["01-1", false],
  ["1-99999999999999999999", false],
])("event id %s", (value, valid) => {
  expect(eventIdSchema.safeParse(value).success).toBe(valid);
});

test.each([
  ["Ann@Example.org", "ann@example.org"],
  ["o'neil+x@[192.0.2.1]", "o'neil+x@[192.0.2.1]"],
  ["ann", undefined],
  ["@example.org", undefined],
  ["a@b@c", undefined],
  ["a b@c", undefined],
  ["a\u0000@c", undefined],
  ["\u0430nn@example.org", undefined],
  [`${"a".repeat(254)}@b`, undefined],
])("%j as an e-mail address is %s", (text, email) => {
  expect(emailSchema.safeParse(text).data).toBe(email);
});

test("roles include those below them", () => {
  expect(hasRole("owner", "viewer")).toBe(true);
  expect(hasRole("operator", "operator")).toBe(true);
  expect(hasRole("operator", "admin")).toBe(false);
});
