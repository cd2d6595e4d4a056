import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { allOperations } from "@pilothouse/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { furnishWorld } from "./support/furnish-world.ts";
import { obtainSchemathesis, runSchemathesis } from "./support/schemathesis.ts";
import { finishWork, openWorld, type World } from "./support/world.ts";

const installTimeoutMs = 6 * 60_000;
const runTimeoutMs = 5 * 60_000;
const fewestRequests = 2_000;

let program = "";
let world: World;
let apiKey = "";

beforeAll(async () => {
  program = await obtainSchemathesis();
  world = await openWorld({ PILOTHOUSE_RATE_LIMIT: "1000000" });
  apiKey = (await furnishWorld(world)).owner;
}, installTimeoutMs);

afterAll(async () => {
  await world.close();
});

/** Ends operations, and keeps those objects alive that all requests name, until it is told to stop. */
async function actAsWorker(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await finishWork(world.owner);
    for (const table of ["mesh_clusters", "control_planes", "revisions"]) {
      await world.owner.query(
        `UPDATE ${table} SET deletion_requested_at = NULL WHERE deletion_requested_at IS NOT NULL`,
      );
    }
    await sleep(250, undefined, { signal }).catch(() => {});
  }
}

test(
  "2,000 requests made up from the document find no server error, and no answer off the schema",
  { timeout: runTimeoutMs },
  async () => {
    const stop = new AbortController();
    const working = actAsWorker(stop.signal);
    const baseUrl = `${world.web.url}/api/v1`;
    const { report, code } = await runSchemathesis(program, {
      document: await (await fetch(`${baseUrl}/openapi.json`)).text(),
      baseUrl,
      apiKey,
      timeoutMs: runTimeoutMs,
    }).finally(() => stop.abort());
    await working;
    expect(report.failures).toEqual([]);
    expect([report.completed, code]).toEqual([true, 0]);
    expect(report.requests).toBeGreaterThanOrEqual(fewestRequests);
    for (const name of ["not_a_server_error", "response_schema_conformance", "status_code_conformance"]) {
      expect(report.checks[name]).toBeGreaterThan(1_000);
    }
    // Requests that are all refused would prove little.
    const expected = allOperations.map(({ id, method, path, scope }) => {
      // A key of a tenant asks, and none where a session is wanted; nobody makes up an invitation.
      const refusals = { platform: 403, person: 401 } as const;
      const refusal = scope.kind === "platform" || scope.kind === "person" ? refusals[scope.kind] : "2xx";
      const status = id === "acceptInvitation" ? 404 : refusal;
      return `${method} ${path} ${status}`;
    });
    const seen = Object.entries(report.statuses).flatMap(([label, statuses]) =>
      Object.keys(statuses).map((status) => `${label} ${status.startsWith("2") ? "2xx" : status}`),
    );
    expect(expected.filter((each) => !seen.includes(each))).toEqual([]);
    expect(
      world.web
        .output()
        .split("\n")
        .filter((line) => line.includes('"level":"error"')),
    ).toEqual([]);
  },
);

test("a service that breaks its word is found out", { timeout: runTimeoutMs }, async () => {
  const schema = { type: "object", required: ["count"], properties: { count: { type: "integer" } } };
  const answers = { 200: { description: "As promised", content: { "application/json": { schema } } } };
  const path = (operationId: string) => ({ get: { operationId, responses: answers } });
  const document = {
    openapi: "3.1.1",
    info: { title: "Liar", version: "1" },
    paths: { "/wrong": path("wrong"), "/broken": path("broken") },
    components: { securitySchemes: { apiKey: { type: "http", scheme: "bearer" } } },
  };
  const server = createServer(({ url }, response) => {
    const isBroken = url?.startsWith("/broken") === true;
    response.writeHead(isBroken ? 500 : 200, { "content-type": "application/json" });
    response.end('{"count":"many"}');
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const address = server.address();
  const baseUrl = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const { report, code } = await runSchemathesis(program, {
    document: JSON.stringify(document),
    baseUrl,
    apiKey: "none",
    timeoutMs: runTimeoutMs,
    parameters: ["--max-examples", "2"],
  }).finally(() => server.close());
  expect(code).toBe(1);
  expect(report.failures).toEqual(
    expect.arrayContaining([
      "GET /broken: answered 500",
      expect.stringContaining("GET /broken: not_a_server_error: Server error"),
      expect.stringContaining(
        'GET /wrong: response_schema_conformance: Response violates schema: "many" is not of type',
      ),
    ]),
  );
});
