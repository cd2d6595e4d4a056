import { setTimeout as sleep } from "node:timers/promises";
import { eventsChannel, keysChannel, tenantEventSchema } from "@pilothouse/contract";
import { Client } from "pg";
import { expect, test } from "vitest";
import { createApiKey, eraseOldEvents, listEvents, readEventsAfter, revokeApiKey } from "../src/index.ts";
import {
  catchRefusal,
  makeConnectedCluster,
  makeTenant,
  type TestContext,
  useGround,
  waitUntilVisible,
} from "./support/fixture.ts";

const ground = useGround();

async function open(): Promise<Client> {
  const client = new Client({ connectionString: ground().copy.migrator });
  await client.connect();
  return client;
}

const insert = (client: Client, tenant: TestContext, name: string) =>
  client.query(
    "INSERT INTO events (tenant_id, type, object_kind, object_id, object_name) VALUES ($1, 'cluster.changed', 'cluster', $2, $2)",
    [tenant.actor.tenantId, name],
  );

/** Reads on until `count` events have come; other tests' transactions may hold some back for a moment. */
async function readNames(tenant: TestContext, after: string, count: number): Promise<string[]> {
  const names: string[] = [];
  let position = after;
  for (let tries = 0; tries < 200 && names.length < count; tries += 1) {
    const batch = await readEventsAfter(tenant, { after: position, limit: 3 });
    names.push(...batch.events.map(({ object }) => object.name));
    ({ position } = batch);
    if (!batch.more) await sleep(10);
  }
  return names;
}

test("an event that commits late is not skipped", async () => {
  const tenant = await makeTenant(ground());
  const { position, events } = await readEventsAfter(tenant, { after: undefined, limit: 10 });
  expect(events).toEqual([]);
  const [late, early] = [await open(), await open()];
  try {
    await late.query("BEGIN");
    await insert(late, tenant, "late-1");
    await insert(early, tenant, "early-1");
    await insert(late, tenant, "late-2");
    await insert(early, tenant, "early-2");
    const during = await readEventsAfter(tenant, { after: position, limit: 10 });
    expect(during.events).toEqual([]);
    expect((await listEvents(tenant, { limit: 10 })).items.map(({ object }) => object.name)).toEqual([
      "early-2",
      "early-1",
    ]);
    await late.query("COMMIT");
    expect(await readNames(tenant, during.position, 4)).toEqual(["late-1", "late-2", "early-1", "early-2"]);
  } finally {
    await Promise.all([late.end(), early.end()]);
  }
});

test("many writers at once: a reader that goes on from each position gets everything once", async () => {
  const tenant = await makeTenant(ground());
  const { position } = await readEventsAfter(tenant, { after: undefined, limit: 1 });
  const writers = await Promise.all(Array.from({ length: 6 }, open));
  const written: string[] = [];
  const writing = Promise.all(
    writers.map(async (client, writer) => {
      for (let index = 0; index < 15; index += 1) {
        await client.query("BEGIN");
        const name = `${writer}-${index}`;
        written.push(name);
        await insert(client, tenant, name);
        await sleep(Math.random() * 5);
        await client.query(index % 5 === 4 ? "ROLLBACK" : "COMMIT");
      }
    }),
  );
  const seen = await readNames(tenant, position, 72);
  await writing;
  await Promise.all(writers.map((client) => client.end()));
  const kept = written.filter((name) => Number(name.split("-")[1]) % 5 !== 4);
  expect(seen.toSorted()).toEqual(kept.toSorted());
  const listed: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listEvents(tenant, { limit: 20, cursor });
    expect(page.items.map((item) => tenantEventSchema.parse(item))).toEqual(page.items);
    listed.push(...page.items.map(({ object }) => object.name));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(listed).toEqual(seen.toReversed());
});

test("who comes back behind events that were erased is told so, and nobody else", async () => {
  const [old, quiet, young] = [await makeTenant(ground()), await makeTenant(ground()), await makeTenant(ground())];
  const client = await open();
  const write = async (tenant: TestContext, name: string, daysAgo: number): Promise<string> => {
    const { rows } = await client.query<{ id: string }>(
      `INSERT INTO events (tenant_id, type, object_kind, object_id, object_name, at)
       VALUES ($1, 'cluster.changed', 'cluster', $2, $2, now() - $3::int * interval '1 day') RETURNING xid || '-' || id AS id`,
      [tenant.actor.tenantId, name, daysAgo],
    );
    return rows[0]?.id ?? "";
  };
  const resume = async (tenant: TestContext, after: string) => {
    const { events, hasGap } = await readEventsAfter(tenant, { after, limit: 10, isResumed: true });
    return hasGap === true ? "gap" : events.map(({ object }) => object.name);
  };
  const { position: beginning } = await readEventsAfter(old, { after: undefined, limit: 1 });
  const [first, second, third] = [await write(old, "a", 33), await write(old, "b", 32), await write(old, "c", 31)];
  const lastOfQuiet = await write(quiet, "q", 40);
  const recent = await write(old, "d", 29);
  await waitUntilVisible(ground(), await write(young, "y", 0));
  expect(await resume(old, first)).toEqual(["b", "c", "d"]);

  expect(await eraseOldEvents(ground().worker)).toBe(2);
  expect(await eraseOldEvents(ground().worker)).toBe(0);
  expect(await Promise.all([beginning, first, second].map((after) => resume(old, after)))).toEqual([
    "gap",
    "gap",
    "gap",
  ]);
  expect(await resume(old, third)).toEqual(["d"]);
  expect(await resume(old, recent)).toEqual([]);
  // Whose last event is old has missed nothing; nor has who began to watch before there was any.
  expect(await resume(quiet, lastOfQuiet)).toEqual([]);
  expect(await resume(young, beginning)).toEqual(["y"]);

  // What is told goes on from the present.
  const { position } = await readEventsAfter(old, { after: first, limit: 10, isResumed: true });
  await waitUntilVisible(ground(), await write(old, "e", 0));
  expect(await readNames(old, position, 1)).toEqual(["e"]);
  await client.end();
});

test("who comes back with a position of transactions to come, from before a backup was restored, is told so", async () => {
  const tenant = await makeTenant(ground());
  const { position } = await readEventsAfter(tenant, { after: undefined, limit: 1 });
  const xid = BigInt(position.split("-")[0] ?? "");
  for (const after of [`${xid + 1_000_000n}-7`, "9999999999999999999-1"]) {
    const batch = await readEventsAfter(tenant, { after, limit: 5, isResumed: true });
    expect(batch).toMatchObject({ events: [], hasGap: true });
    await makeConnectedCluster(ground(), tenant, `c${after.length}`);
    expect(await readNames(tenant, batch.position, 1)).not.toEqual([]);
  }
  // A transaction that is just beginning is not to come.
  expect((await readEventsAfter(tenant, { after: position, limit: 5, isResumed: true })).hasGap).toBeUndefined();
});

test("odd positions end in nothing, odd cursors are refused", async () => {
  const tenant = await makeTenant(ground());
  await makeConnectedCluster(ground(), tenant);
  for (const after of ["9223372036854775807-0", "9999999999999999999-1"]) {
    expect((await readEventsAfter(tenant, { after, limit: 5 })).events).toEqual([]);
  }
  const cursor = Buffer.from('["99999999999999999999","1"]').toString("base64url");
  expect((await catchRefusal(listEvents(tenant, { limit: 5, cursor }))).code).toBe("InvalidCursor");
});

test("listeners are told of events and of revoked keys", async () => {
  const tenant = await makeTenant(ground());
  const client = await open();
  const heard: string[] = [];
  client.on("notification", ({ channel, payload }) => heard.push(`${channel} ${payload}`));
  await client.query(`LISTEN ${eventsChannel}`);
  await client.query(`LISTEN ${keysChannel}`);
  await makeConnectedCluster(ground(), tenant);
  const { body } = await createApiKey(tenant, { name: "x", role: "viewer" });
  await revokeApiKey(tenant, { id: body.id });
  await expect.poll(() => heard).toContain(`${keysChannel} ${body.id}`);
  expect(heard).toContain(`${eventsChannel} ${tenant.actor.tenantId}`);
  await client.end();
});
