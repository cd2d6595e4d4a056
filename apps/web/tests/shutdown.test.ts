import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startWeb, type WebServer } from "./support/web-server.ts";
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

const lastMessage = /\nevent: end\ndata: \{"reason":"ShuttingDown"\}\n\n$/;

function ask(web: WebServer, path: string, accept = "application/json"): Promise<Response> {
  return fetch(`${web.url}${path}`, { headers: { authorization: `Bearer ${key}`, accept } });
}

/** Opens a stream. @returns all that comes until it ends, or why it broke off */
async function openStream(web: WebServer): Promise<{ text: Promise<string> }> {
  const response = await ask(web, "/api/v1/tenants/shop/events", "text/event-stream");
  expect(response.status).toBe(200);
  return { text: response.text().catch((error: unknown) => `broke off: ${String(error)}`) };
}

test("a server that is told to stop gives every stream its last message, and ends with 0", async () => {
  const web = await startWeb({ DATABASE_URL: world.database.web });
  const streams = await Promise.all(Array.from({ length: 20 }, () => openStream(web)));
  const stopping = web.stop();
  for (const { text } of streams) expect(await text).toMatch(lastMessage);
  const { code, durationMs } = await stopping;
  expect(code).toBe(0);
  expect(durationMs).toBeLessThan(5_000);
});

test("a server that is told to stop is not ready first, and finishes what it is answering", async () => {
  const web = await startWeb({ DATABASE_URL: world.database.web, PILOTHOUSE_SHUTDOWN_NOTICE_MS: "1500" });
  const stream = await openStream(web);
  await world.owner.query("BEGIN");
  await world.owner.query("LOCK TABLE mesh_clusters IN ACCESS EXCLUSIVE MODE");
  const running = ask(web, "/api/v1/tenants/shop/clusters");
  await sleep(300);
  const stopping = web.stop();
  expect(await stream.text).toMatch(lastMessage);
  const ready = await ask(web, "/readyz");
  expect([ready.status, await ready.json()]).toEqual([503, { status: "not ready", reason: "shutting down" }]);
  // Others are still served, and sent away.
  const other = await ask(web, "/api/v1/tenants/shop/operations");
  expect([other.status, other.headers.get("connection")]).toEqual([200, "close"]);
  expect((await ask(web, "/api/v1/tenants/shop/events", "text/event-stream")).status).toBe(503);
  await sleep(2_000);
  await expect(fetch(`${web.url}/healthz`)).rejects.toThrow("fetch failed");
  await world.owner.query("ROLLBACK");
  const answer = await running;
  expect([answer.status, await answer.json()]).toEqual([200, { items: [], nextCursor: null }]);
  expect((await stopping).code).toBe(0);
});

test("a reader that takes nothing holds nothing up", async () => {
  const web = await startWeb({ DATABASE_URL: world.database.web });
  const response = await ask(web, "/api/v1/tenants/shop/events", "text/event-stream");
  await world.owner.query(
    `INSERT INTO events (tenant_id, type, object_kind, object_id, object_name)
     SELECT id, 'cluster.changed', 'cluster', repeat('x', 1000), 'n' FROM tenants, generate_series(1, 20000) WHERE name = 'shop'`,
  );
  await sleep(2_000);
  const { code, durationMs } = await web.stop();
  expect(code).toBe(0);
  expect(durationMs).toBeLessThan(12_000);
  await response.body?.cancel().catch(() => {});
});

test("a server whose database is gone ends, too", async () => {
  const url = new URL(world.database.web);
  url.port = "1";
  const web = await startWeb({ DATABASE_URL: url.href });
  expect((await ask(web, "/api/v1/tenants/shop/clusters")).status).toBe(503);
  expect(await web.stop()).toMatchObject({ code: 0 });
});
