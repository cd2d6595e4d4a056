import { expect, test } from "vitest";
import { createRateLimit } from "./rate-limit.ts";
import { answerOther, listMethods } from "./answer-other.ts";
import { createStreamRegistry, type StreamPlace, type StreamRegistry } from "./stream-registry.ts";

function reserve(streams: StreamRegistry, credentialId: string): StreamPlace {
  const place = streams.reserve(credentialId);
  if (typeof place === "string") throw new Error(`no place: ${place}`);
  return place;
}

test("a key has so many requests in a window, and others have their own", async () => {
  const { count } = createRateLimit(2, 10);
  expect([await count("a"), await count("a"), await count("a"), await count("b")]).toEqual([0, 0, 10, 0]);
});

test("a key's streams are counted until they are released", () => {
  const streams = createStreamRegistry(1);
  const place = reserve(streams, "a");
  expect(streams.reserve("a")).toBe("too many");
  reserve(streams, "b");
  place.release();
  reserve(streams, "a");
});

test("shutting down ends what is open and lets nothing in", () => {
  const streams = createStreamRegistry(5);
  const ended: string[] = [];
  const stream = { body: new ReadableStream(), wake: () => {}, end: (reason: string) => ended.push(reason) };
  reserve(streams, "a").occupy(stream);
  streams.close();
  expect(ended).toEqual(["ShuttingDown"]);
  expect(streams.isClosing()).toBe(true);
  expect(streams.reserve("a")).toBe("closing");
});

test.each([
  ["/api/v1/tenants/acme/clusters", ["GET", "POST"]],
  ["/api/v1/tenants/acme/clusters/shop/connection", ["POST"]],
  ["/api/v1/admin/seeds/s1", ["GET", "PATCH", "DELETE"]],
  ["/api/v1/tenants", []],
  ["/api/v2/tenants/acme/clusters", []],
  ["/api/v1/tenants/acme/clusters/", ["GET", "POST"]],
  ["/api/v1/tenants//clusters", []],
])("%s has %j", (path, methods) => {
  expect(listMethods(path).toSorted()).toEqual(methods.toSorted());
});

test.each([
  ["PUT", "/api/v1/tenants/acme/clusters", 405, "GET, POST, HEAD, OPTIONS"],
  ["GET", "/api/v1/nothing", 404, null],
])("%s %s is answered %d", async (method, path, status, allow) => {
  const response = await answerOther(new Request(`http://localhost${path}`, { method }));
  expect(response.status).toBe(status);
  expect(response.headers.get("allow")).toBe(allow);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({ status, code: status === 405 ? "MethodNotAllowed" : "NotFound" });
});
