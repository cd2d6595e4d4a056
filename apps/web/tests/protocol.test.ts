import { request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { allOperations, createClient, operations, problemSchema } from "@pilothouse/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startWeb } from "./support/web-server.ts";
import { makeTenant, openWorld, type World } from "./support/world.ts";

let world: World;
let key = "";

beforeAll(async () => {
  world = await openWorld();
  key = (await makeTenant(world, "shop")).owner;
});

afterAll(async () => {
  await world.close();
});

interface RawAnswer {
  status: number;
  allow: string | undefined;
  type: string | undefined;
  text: string;
}

/** Sends what fetch would refuse to send, or would tidy up. */
function send(method: string, path: string, headers: Record<string, string> = {}): Promise<RawAnswer> {
  const { hostname, port } = new URL(world.web.url);
  return new Promise((settle, reject) => {
    const all = { authorization: `Bearer ${key}`, ...headers };
    const request = httpRequest({ hostname, port, method, path, headers: all, timeout: 5_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece: string) => (text += piece));
      response.on("end", () => {
        const { allow, "content-type": type } = response.headers;
        settle({ status: response.statusCode ?? 0, allow, type, text });
      });
    });
    request.on("error", reject);
    request.end();
  });
}

const clusters = "/api/v1/tenants/shop/clusters";

test.each(["TRACE", "QUERY", "PROPFIND", "PUT", "PATCH", "DELETE"])("%s is not allowed on a list", async (method) => {
  const { status, allow, text } = await send(method, clusters);
  expect([status, allow]).toEqual([405, "GET, POST, HEAD, OPTIONS"]);
  expect(problemSchema.parse(JSON.parse(text)).code).toBe("MethodNotAllowed");
});

test.each([
  ["POST", "/healthz", 405],
  ["PROPFIND", "/readyz", 405],
  ["DELETE", "/api", 404],
  ["PROPFIND", "/api/nowhere", 404],
])("%s %s is answered %d, as a problem", async (method, path, expected) => {
  const { status, allow, text } = await send(method, path);
  expect([status, allow]).toEqual([expected, expected === 405 ? "GET, HEAD, OPTIONS" : undefined]);
  expect(problemSchema.parse(JSON.parse(text)).status).toBe(expected);
});

test("OPTIONS names the methods, and HEAD is GET without its body", async () => {
  expect(await send("OPTIONS", clusters)).toMatchObject({ status: 204, allow: "GET, POST, HEAD, OPTIONS" });
  expect(await send("HEAD", clusters)).toMatchObject({ status: 200, text: "", type: "application/json" });
});

test("every path of the contract answers every method", async () => {
  const paths = new Set(allOperations.map(({ path }) => `/api/v1${path.replaceAll(/\{\w+\}/g, "none")}`));
  for (const path of paths) {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const { status, type } = await send(method, path, { authorization: "" });
      const expected = path.endsWith("openapi.json") && method === "GET" ? 200 : method === "OPTIONS" ? 204 : status;
      expect([method, path, status]).toEqual([method, path, expected]);
      expect([200, 204, 401, 405, ...(path === "/api/v1/invitations" ? [415] : [])]).toContain(status);
      expect(type).toBe(status === 200 ? "application/json" : status === 204 ? undefined : "application/problem+json");
    }
  }
});

test.each([
  ["/api", 404],
  ["/api/v1", 404],
  ["/api/v2/tenants/shop/clusters", 404],
  [`${clusters}/%`, 404],
  [`${clusters}/%ff`, 404],
  ["/api/v1//tenants/shop/clusters", 404],
  [`${clusters}/a%2Fb`, 400],
  [`${clusters}/..%2f`, 400],
  [`${clusters}/%00`, 400],
])("%s is answered %d, as a problem", async (path, status) => {
  const answer = await send("GET", path);
  expect(answer.status).toBe(status);
  expect(problemSchema.parse(JSON.parse(answer.text)).status).toBe(status);
});

test.each([
  ["/nowhere", 404],
  ["/nowhere/at/all.html", 404],
  ["/_next/static/none.js", 404],
  ["/healthz/x", 404],
  ["/readyzz", 404],
  ["/sign-in", 200],
  ["/invitations/none", 200],
])("%s is a page and answered %d, with a policy of its own", async (path, status) => {
  const ask = () => fetch(`${world.web.url}${path}`, { redirect: "manual" });
  const [one, other] = [await ask(), await ask()];
  expect(one.status).toBe(status);
  if (path.startsWith("/_next/")) return;
  expect(one.headers.get("content-type")).toMatch(/^text\/html/);
  const [policy, next] = [one, other].map(({ headers }) => headers.get("content-security-policy") ?? "");
  expect(policy).toMatch(/default-src 'none'.*script-src 'nonce-[^']+' 'strict-dynamic';.*frame-ancestors 'none'/);
  expect(next).not.toBe(policy);
  // No script without the nonce, so none that somebody slipped in.
  const [, nonce = ""] = /'nonce-([^']+)'/.exec(policy ?? "") ?? [];
  const scripts = (await one.text()).match(/<script\b[^>]*>/g) ?? [];
  expect(scripts.filter((tag) => !tag.includes(`nonce="${nonce}"`))).toEqual([]);
});

test.each(["/", "/admin", "/tenants/shop", "/tenants/shop/clusters?q=kind%3Agardener"])(
  "%s leads to the sign-in page and back",
  async (path) => {
    const { status, headers } = await fetch(`${world.web.url}${path}`, { redirect: "manual" });
    expect([status, headers.get("location")]).toEqual([307, `/sign-in?next=${encodeURIComponent(path)}`]);
  },
);

test("headers of a browser's page loads change nothing", async () => {
  expect(await send("GET", clusters, { rsc: "1", "next-url": "/x", "x-nextjs-data": "1" })).toMatchObject({
    status: 200,
  });
  expect((await send("GET", `${clusters}/`)).status).toBe(200);
});

test("an open request id is taken over, any other is replaced", async () => {
  const ask = async (id: string) =>
    (await fetch(`${world.web.url}${clusters}`, { headers: { "x-request-id": id } })).headers.get("x-request-id");
  expect(await ask("my-id.1")).toBe("my-id.1");
  expect(await ask("a b")).not.toBe("a b");
});

test("the document is what the contract makes, and health needs no key", async () => {
  const client = createClient({ baseUrl: world.web.url, apiKey: "none" });
  const { body } = await client.call(operations.getOpenApiDocument, {});
  expect(Object.keys(body)).toEqual(expect.arrayContaining(["openapi", "paths", "components"]));
  expect((await fetch(`${world.web.url}/readyz`)).status).toBe(200);
});

test("the typed client knows a refusal's cause", async () => {
  const client = createClient({ baseUrl: world.web.url, apiKey: key });
  const call = client.call(operations.getCluster, { params: { tenant: "shop", cluster: "none" } });
  await expect(call).rejects.toMatchObject({ name: "ProblemError", code: "NotFound", status: 404 });
  const nowhere = createClient({ baseUrl: "http://127.0.0.1:1", apiKey: key });
  const lost = nowhere.call(operations.listClusters, { params: { tenant: "shop" } });
  await expect(lost).rejects.toMatchObject({ name: "ConnectionError" });
});

test("without a database the process stays, and is not ready", async () => {
  const url = new URL(world.database.web);
  url.port = "1";
  const web = await startWeb({ DATABASE_URL: url.href });
  expect((await fetch(`${web.url}/readyz`)).status).toBe(503);
  expect((await fetch(`${web.url}/healthz`)).status).toBe(200);
  await web.stop();
});

test("requests are answered again when the database's connections were cut", async () => {
  await world.owner.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
  );
  await sleep(100);
  const client = createClient({ baseUrl: world.web.url, apiKey: key });
  expect((await client.call(operations.listClusters, { params: { tenant: "shop" } })).status).toBe(200);
});

test("pages are sent compressed to whoever takes it so", async () => {
  const read = async (encoding: string): Promise<[string | null, string]> => {
    const response = await fetch(`${world.web.url}/sign-in`, { headers: { "accept-encoding": encoding } });
    return [response.headers.get("content-encoding"), (await response.text()).slice(0, 1)];
  };
  const [plain, first] = await read("identity");
  expect(plain).toBeNull();
  expect(await read("gzip")).toEqual(["gzip", first]);
});

test("pages have an icon, and browsers need not look for one", async () => {
  const page = await (await fetch(`${world.web.url}/sign-in`)).text();
  const [, icon = ""] = /<link rel="icon" href="([^"]+)"/.exec(page) ?? [];
  const response = await fetch(world.web.url + icon);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "image/svg+xml"]);
});
