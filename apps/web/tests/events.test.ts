import { connect as connectSocket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient, EventsErasedError, operations, type WatchedEvent, watchEvents } from "@pilothouse/contract";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { makeTenant, openWorld, type World } from "./support/world.ts";

let world: World;
let key = "";
let tenantId = "";
let count = 0;

beforeAll(async () => {
  world = await openWorld();
  key = (await makeTenant(world, "shop")).owner;
  await makeTenant(world, "pay");
  const { rows } = await world.owner.query<{ id: string }>("SELECT id FROM tenants WHERE name = 'shop'");
  tenantId = rows[0]?.id ?? "";
});

afterAll(async () => {
  await world.close();
});

/** Writes an event, as verbs and workers do, and returns the name of its object. */
async function write(client: Client, tenant = tenantId): Promise<string> {
  count += 1;
  const name = `object-${count}`;
  await client.query(
    "INSERT INTO events (tenant_id, type, object_kind, object_id, object_name) VALUES ($1, 'cluster.changed', 'cluster', 'x', $2)",
    [tenant, name],
  );
  return name;
}

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: world.database.migrator });
  await client.connect();
  return client;
}

interface Watch {
  events: WatchedEvent[];
  /** Waits until so many have come. */
  until: (length: number) => Promise<string[]>;
  stop: () => Promise<unknown>;
  ended: Promise<unknown>;
}

async function watch(lastEventId?: string, apiKey = key, onReset?: () => void): Promise<Watch> {
  const abort = new AbortController();
  const events: WatchedEvent[] = [];
  let opened = () => {};
  const open = new Promise<void>((settle) => (opened = settle));
  const run = async () => {
    const client = createClient({ baseUrl: world.web.url, apiKey });
    const more = {
      ...(lastEventId === undefined ? {} : { lastEventId }),
      ...(onReset === undefined ? {} : { onReset }),
    };
    for await (const event of watchEvents(client, {
      tenant: "shop",
      signal: abort.signal,
      onOpen: () => opened(),
      ...more,
    })) {
      events.push(event);
    }
  };
  const ended = run().catch((error: unknown) => error);
  await Promise.race([open, ended]);
  return {
    events,
    until: async (length) => {
      for (let tries = 0; tries < 300 && events.length < length; tries += 1) await sleep(50);
      return events.map(({ object }) => object.name);
    },
    stop: async () => {
      abort.abort();
      return ended;
    },
    ended,
  };
}

async function countListeners(): Promise<number> {
  const { rows } = await world.owner.query<{ count: string }>(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pilothouse-events'",
  );
  return Number(rows[0]?.count);
}

test("events come at once, to their own tenant's streams, over one connection to the database", async () => {
  const watches = await Promise.all([watch(), watch(), watch()]);
  const other = await connect();
  const { rows } = await other.query<{ id: string }>("SELECT id FROM tenants WHERE name = 'pay'");
  await write(other, rows[0]?.id);
  const from = performance.now();
  const name = await write(other);
  for (const { until } of watches) expect(await until(1)).toEqual([name]);
  expect(performance.now() - from).toBeLessThan(1_000);
  expect(await countListeners()).toBe(1);
  expect(watches[0]?.events[0]).toMatchObject({ type: "cluster.changed", object: { kind: "cluster" } });
  expect(JSON.stringify(watches[0]?.events[0])).not.toContain("message");
  await Promise.all(watches.map(({ stop }) => stop()));
  await other.end();
});

test("a stream that is resumed misses nothing, also what was committed out of order", async () => {
  const before = await watch();
  const late = await connect();
  const early = await connect();
  await late.query("BEGIN");
  const lateName = await write(late);
  const earlyName = await write(early);
  await sleep(300);
  expect(before.events).toEqual([]);
  await late.query("COMMIT");
  expect(await before.until(2)).toEqual([lateName, earlyName]);
  await before.stop();
  const missed = [await write(early), await write(early)];
  const after = await watch(before.events[0]?.id);
  expect(await after.until(3)).toEqual([earlyName, ...missed]);
  await after.stop();
  await Promise.all([late.end(), early.end()]);
});

test("who comes back after more than 30 days is told that events are gone, and goes on from now", async () => {
  const seen = await watch();
  await write(world.owner);
  await seen.until(1);
  await seen.stop();
  const lastEventId = seen.events[0]?.id;
  await write(world.owner);
  // As retention does: the old ones but the newest.
  await world.owner.query("UPDATE events SET at = now() - interval '31 days' WHERE tenant_id = $1", [tenantId]);
  await world.owner.query(
    "DELETE FROM events WHERE tenant_id = $1 AND id < (SELECT max(id) FROM events WHERE tenant_id = $1)",
    [tenantId],
  );
  const unaware = await watch(lastEventId);
  expect(await unaware.ended).toBeInstanceOf(EventsErasedError);
  let resets = 0;
  const aware = await watch(lastEventId, key, () => (resets += 1));
  const name = await write(world.owner);
  expect(await aware.until(1)).toEqual([name]);
  expect(resets).toBe(1);
  await aware.stop();
});

test("many events are read in pieces, each once", async () => {
  const before = await watch();
  const { rows } = await world.owner.query<{ name: string }>(
    `INSERT INTO events (tenant_id, type, object_kind, object_id, object_name)
     SELECT $1, 'cluster.changed', 'cluster', 'x', 'many-' || n FROM generate_series(1, 1000) n RETURNING object_name AS name`,
    [tenantId],
  );
  expect(await before.until(1_000)).toEqual(rows.map(({ name }) => name));
  await before.stop();
});

test("a lost connection to the database delays events, and loses none", async () => {
  const before = await watch();
  await world.owner.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
  );
  const name = await write(world.owner);
  expect(await before.until(1)).toEqual([name]);
  await sleep(500);
  expect(await countListeners()).toBe(1);
  await before.stop();
});

test("the listing has the newest first, page by page", async () => {
  const client = createClient({ baseUrl: world.web.url, apiKey: key });
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: 100, ...(cursor === undefined ? {} : { cursor }) };
    const { body } = await client.call(operations.listEvents, { params: { tenant: "shop" }, query });
    names.push(...body.items.map(({ object }) => object.name));
    cursor = body.nextCursor ?? undefined;
  } while (cursor !== undefined);
  const { rows } = await world.owner.query<{ name: string }>(
    "SELECT object_name AS name FROM events WHERE tenant_id = $1 ORDER BY xid DESC, id DESC",
    [tenantId],
  );
  expect(names).toEqual(rows.map((row) => row.name));
});

test("a stream is not buffered, compressed or cached, and begins with its position", async () => {
  const abort = new AbortController();
  const response = await fetch(`${world.web.url}/api/v1/tenants/shop/events`, {
    headers: { authorization: `Bearer ${key}`, accept: "text/event-stream", "accept-encoding": "gzip, br" },
    signal: abort.signal,
  });
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-store, no-transform");
  expect(response.headers.get("content-encoding")).toBeNull();
  const { value } = (await response.body?.getReader().read()) ?? {};
  expect(new TextDecoder().decode(value)).toMatch(/^retry: 1000\nid: \d+-0\n\n$/);
  abort.abort();
});

test.each(["1", "x-1", "1-2-3", "-"])("Last-Event-ID %s is refused", async (lastEventId) => {
  const response = await fetch(`${world.web.url}/api/v1/tenants/shop/events`, {
    headers: { authorization: `Bearer ${key}`, accept: "text/event-stream", "last-event-id": lastEventId },
  });
  expect(await response.json()).toMatchObject({ code: "InvalidParameter", parameter: "Last-Event-ID" });
});

async function makeKey(more: object = {}): Promise<{ id: string; key: string }> {
  const body = { name: "short", role: "viewer", ...more };
  const answer = await world.checker.succeed(operations.createApiKey, { key, params: { tenant: "shop" }, body });
  return z.object({ id: z.string(), key: z.string() }).parse(answer.body);
}

test("a stream ends at once when its key is revoked", async () => {
  const own = await makeKey();
  const running = await watch(undefined, own.key);
  const from = performance.now();
  await world.checker.succeed(operations.revokeApiKey, { key, params: { tenant: "shop", apiKey: own.id } });
  expect(await running.ended).toMatchObject({ code: "Unauthenticated", problem: { requestId: "" } });
  expect(String(await running.ended)).toContain("was revoked");
  expect(performance.now() - from).toBeLessThan(1_000);
});

test("a stream ends when its key expires", async () => {
  const own = await makeKey({ expiresAt: new Date(Date.now() + 1_500).toISOString() });
  const running = await watch(undefined, own.key);
  expect(String(await running.ended)).toContain("expired");
});

test("streams whose clients went hold nothing: as many can be opened again, many times", async () => {
  for (let round = 0; round < 4; round += 1) {
    const watches = await Promise.all(Array.from({ length: 20 }, () => watch()));
    const name = await write(world.owner);
    expect(await Promise.all(watches.map(({ until }) => until(1)))).toEqual(watches.map(() => [name]));
    expect(await Promise.all(watches.map(({ stop }) => stop()))).toEqual(watches.map(() => undefined));
    await sleep(300);
  }
});

/** Asks for a stream, and goes after so many milliseconds, mostly before it has begun. */
async function askAndGo(afterMs: number): Promise<void> {
  const { hostname, port } = new URL(world.web.url);
  const socket = connectSocket(Number(port), hostname);
  const ended = new Promise<void>((settle) => socket.once("close", () => settle()));
  socket.on("error", () => {});
  socket.write(
    `GET /api/v1/tenants/shop/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${key}\r\n\r\n`,
  );
  await sleep(afterMs);
  socket.destroy();
  await ended;
}

const stream = () => ({ headers: { authorization: `Bearer ${key}`, accept: "text/event-stream" } });

async function openStreams(amount: number): Promise<number[]> {
  const abort = new AbortController();
  const url = `${world.web.url}/api/v1/tenants/shop/events`;
  const opening = Array.from({ length: amount }, () => fetch(url, { ...stream(), signal: abort.signal }));
  const statuses = (await Promise.all(opening)).map(({ status }) => status);
  abort.abort();
  await sleep(300);
  return statuses;
}

test("a stream whose client went before it began holds nothing", async () => {
  for (let tries = 0; tries < 40; tries += 1) await askAndGo(tries % 8);
  await sleep(500);
  expect(new Set(await openStreams(20))).toEqual(new Set([200]));
});

test("HEAD opens no stream", async () => {
  const url = `${world.web.url}/api/v1/tenants/shop/events`;
  for (let tries = 0; tries < 21; tries += 1) {
    const response = await fetch(url, { method: "HEAD", ...stream() });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  }
  expect(new Set(await openStreams(20))).toEqual(new Set([200]));
});
