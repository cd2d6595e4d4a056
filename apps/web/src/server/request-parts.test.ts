import { operations } from "@pilothouse/contract";
import { DomainError } from "@pilothouse/core";
import { expect, test } from "vitest";
import { z } from "zod";
import { qualityOf, wantsEventStream } from "./media-types.ts";
import { parseInput } from "./parse-input.ts";
import { bodyLimitBytes, readJsonBody } from "./read-body.ts";

const json = { "content-type": "application/json" };
const codes = { invalid: "InvalidField", unknown: "UnknownField" } as const;

async function refusal(work: () => unknown): Promise<Pick<DomainError, "code" | "parameter" | "message" | "details">> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DomainError) {
      const { code, parameter, message, details } = error;
      return { code, message, ...(parameter && { parameter }), ...(details && { details }) };
    }
    throw error;
  }
  throw new Error("was not refused");
}

function post(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream,
  headers: Record<string, string> = json,
): Request {
  return new Request("http://localhost/", {
    method: "POST",
    body,
    headers,
    ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
  });
}

test("a JSON body is read", async () => {
  expect(await readJsonBody(post('{"a":1}', { "content-type": 'Application/JSON; charset="UTF-8"' }))).toEqual({
    a: 1,
  });
});

test.each([
  ["text", "{}", { "content-type": "text/plain" }, "UnsupportedMediaType"],
  ["another character set", "{}", { "content-type": "application/json; charset=latin1" }, "UnsupportedMediaType"],
  ["compressed", "{}", { ...json, "content-encoding": "gzip" }, "UnsupportedMediaType"],
  ["nothing", "", json, "MalformedRequest"],
  ["half", '{"a":', json, "MalformedRequest"],
  ["not UTF-8", Uint8Array.from([0x22, 0xff, 0x22]), json, "MalformedRequest"],
  ["too long", `"${"x".repeat(bodyLimitBytes)}"`, json, "PayloadTooLarge"],
])("a body that is %s is refused", async (_, body, headers, code) => {
  expect(await refusal(() => readJsonBody(post(body, headers)))).toMatchObject({ code });
});

test("a body of unknown length is read no further than the limit", async () => {
  let pieces = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      pieces += 1;
      controller.enqueue(new Uint8Array(16 * 1024));
    },
  });
  expect(await refusal(() => readJsonBody(post(endless)))).toMatchObject({ code: "PayloadTooLarge" });
  expect(pieces).toBeLessThan(25);
});

test("a body that breaks off is its sender's fault", async () => {
  const broken = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array([0x7b])),
    pull: () => Promise.reject(new Error("aborted")),
  });
  expect(await refusal(() => readJsonBody(post(broken)))).toMatchObject({ code: "MalformedRequest" });
});

const valid = { name: "a", cluster: "shop", line: "1.32" };

test.each([
  [{ ...valid, colour: 1 }, "UnknownField", "colour", "colour is not known here."],
  [{ ...valid, replicas: 6 }, "InvalidField", "replicas", "replicas must be at most 5."],
  [{ ...valid, replicas: 1.5 }, "InvalidField", "replicas", "replicas must be a whole number."],
  [{ ...valid, replicas: "1" }, "InvalidField", "replicas", "replicas must be a number."],
  [{ cluster: "shop", line: "1.32" }, "InvalidField", "name", "name is missing."],
  [
    { ...valid, version: "1.32.1" },
    "InvalidField",
    "version",
    "version must be given, or a line instead of it, but not both.",
  ],
  [[], "InvalidField", "body", "body must be an object."],
  [null, "InvalidField", "body", "body must be an object."],
])("the body %j is refused", async (body, code, parameter, message) => {
  const schema = operations.createControlPlane.body;
  expect(await refusal(() => parseInput(schema, body, codes))).toMatchObject({ code, parameter, message });
});

test("a field inside another is named by its path, and all faults are listed", async () => {
  const body = { name: "1", line: "x", capacity: { slots: -1, more: 1 }, edgeAddresses: ["nowhere"] };
  const { parameter, details } = await refusal(() => parseInput(operations.createIstiodCluster.body, body, codes));
  expect(parameter).toBe("name");
  expect(
    z
      .array(z.object({ parameter: z.string() }))
      .parse(details?.["errors"])
      .map((fault) => fault.parameter),
  ).toEqual(
    expect.arrayContaining([
      "name",
      "region",
      "line",
      "capacity.slots",
      "capacity.more",
      "edgeAddresses.0",
      "kubeconfig",
    ]),
  );
});

test("what was sent is not repeated", async () => {
  const secret = "s3cret".repeat(40_000);
  const body = { name: secret, kind: secret, kubeconfig: secret, [`x${secret.slice(0, 50)}`]: secret };
  const { message, details } = await refusal(() => parseInput(operations.connectCluster.body, body, codes));
  expect(JSON.stringify([message, details?.["errors"]]).length).toBeLessThan(1_000);
});

test.each([
  [null, "application/json", 1],
  ["*/*", "application/json", 1],
  ["application/*;q=0.5", "application/json", 0.5],
  ["text/html, application/json;q=0", "application/json", 0],
  ["text/html", "application/json", 0],
  ["application/json;q=0.2, */*", "application/json", 0.2],
])("Accept: %s wants %s by %d", (accept, type, quality) => {
  expect(qualityOf(accept, type)).toBe(quality);
});

test.each([
  ["text/event-stream", true],
  ["text/event-stream, */*;q=0.1", true],
  ["application/json, text/event-stream;q=0.5", false],
  ["text/event-stream;q=0", false],
  ["*/*", false],
  [null, false],
])("Accept: %s wants a stream: %s", (accept, wanted) => {
  expect(wantsEventStream(accept)).toBe(wanted);
});
