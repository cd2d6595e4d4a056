import { readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client } from "pg";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { createDatabase } from "../src/database/copy-database.ts";
import { copyDatabase, type DatabaseUrls, ensureDatabase } from "../src/index.ts";
import { readSchemaModels } from "./support/prisma-schema.ts";

const prisma = resolve(import.meta.dirname, "../../../prisma");
const count = readdirSync(join(prisma, "migrations"), { withFileTypes: true }).filter((one) =>
  one.isDirectory(),
).length;
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pilothouse-migrations-"));
  await cp(join(prisma, "migrations"), folder, { recursive: true });
});

afterEach(() => rm(folder, { recursive: true }));

async function query<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function makeEmpty(): Promise<DatabaseUrls> {
  const name = `empty_${Math.random().toString(36).slice(2)}`;
  const template = inject("serviceDatabase");
  const rename = (url: string): string => url.replace(/[^/]+$/, name);
  await createDatabase(rename(template.migrator));
  return { migrator: rename(template.migrator), web: rename(template.web), worker: rename(template.worker) };
}

const add = async (name: string, sql: string): Promise<void> => {
  await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, name, "migration.sql"), sql);
};
const recorded = async (url: string): Promise<string[]> =>
  (await query<{ name: string }>(url, "SELECT migration_name AS name FROM _prisma_migrations ORDER BY 1")).map(
    ({ name }) => name,
  );

test("an empty database is migrated once, by whoever comes first", async () => {
  const urls = await makeEmpty();
  const all = await Promise.all([1, 2, 3].map(() => ensureDatabase(urls, folder)));
  expect(all.map((applied) => applied.length).toSorted((a, b) => a - b)).toEqual([0, 0, count]);
  expect(await ensureDatabase(urls, folder)).toEqual([]);
});

test("of a failed migration nothing stays, and it goes on where it stopped", async () => {
  const urls = await copyDatabase(inject("serviceDatabase"));
  await add("20991231000000_works", "CREATE TABLE works (id int);");
  await add("20991231000001_fails", "CREATE TABLE half (id int); INSERT INTO half VALUES (1); SELECT 1 / 0;");
  await expect(ensureDatabase(urls, folder)).rejects.toThrow(
    /20991231000001_fails failed, and nothing of it was kept: division by zero/,
  );
  expect(await query(urls.migrator, "SELECT to_regclass('half') AS half, to_regclass('works')::text AS works")).toEqual(
    [{ half: null, works: "works" }],
  );
  expect(await recorded(urls.migrator)).toHaveLength(count + 1);
  await add("20991231000001_fails", "CREATE TABLE half (id int);");
  expect(await ensureDatabase(urls, folder)).toEqual(["20991231000001_fails"]);
  await urls.drop();
});

test("a database of the first version is brought to the newest one with all that is in it", async () => {
  const urls = await makeEmpty();
  const names = readdirSync(folder, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []));
  const [first = "", ...later] = names.toSorted();
  const older = await mkdtemp(join(tmpdir(), "pilothouse-older-"));
  await cp(join(folder, first), join(older, first), { recursive: true });
  expect(await ensureDatabase(urls, older)).toEqual([first]);
  await rm(older, { recursive: true });
  const [tenant, user] = ["01980000-0000-7000-8000-000000000001", "01980000-0000-7000-8000-000000000002"];
  await query(
    urls.migrator,
    `INSERT INTO tenants (id, name, display_name) VALUES ('${tenant}', 'shop', 'Shop');
     INSERT INTO users (id, email) VALUES ('${user}', 'a@example.org');
     INSERT INTO memberships (tenant_id, user_id, role) VALUES ('${tenant}', '${user}', 'owner');
     INSERT INTO api_keys (id, tenant_id, name, role, prefix, hash) VALUES ('${user}', '${tenant}', 'ci', 'owner', 'plth_', '\\x01');
     INSERT INTO idempotency_keys (api_key_id, key, tenant_id, request_hash, status, body) VALUES ('${user}', 'k', '${tenant}', '\\x01', 201, '{}');
     INSERT INTO audit_entries (id, tenant_id, actor, verb, object_kind, object_id, object_name, request_id)
       VALUES ('${user}', '${tenant}', 'key:${user}', 'createApiKey', 'api-key', '${user}', 'ci', 'r');
     INSERT INTO events (tenant_id, type, object_kind, object_id, object_name) VALUES ('${tenant}', 'cluster.created', 'cluster', 'x', 'x')`,
  );
  expect(await ensureDatabase(urls, folder)).toEqual(later);
  const kept = await query(
    urls.migrator,
    `SELECT m.role, m.accepted_at IS NOT NULL AS accepted, u.display_name, u.is_operator, k.principal_id::text AS principal,
       (SELECT count(*)::int FROM events) AS events, (SELECT count(*)::int FROM audit_entries) AS entries
     FROM memberships m JOIN users u ON u.id = m.user_id JOIN idempotency_keys k ON k.tenant_id = m.tenant_id`,
  );
  expect(kept).toEqual([
    { role: "owner", accepted: true, display_name: "", is_operator: false, principal: user, events: 1, entries: 1 },
  ]);
});

test("a migration that was changed after it had been applied is refused", async () => {
  const urls = await copyDatabase(inject("serviceDatabase"));
  const [name = ""] = await recorded(urls.migrator);
  const file = join(folder, name, "migration.sql");
  await writeFile(file, `${await readFile(file, "utf8")}\n-- changed`);
  await expect(ensureDatabase(urls, folder)).rejects.toThrow(`${name} was changed after it had been applied`);
  await urls.drop();
});

test("the migrated database is what schema.prisma says", async () => {
  const { migrator } = inject("serviceDatabase");
  const urls = await copyDatabase(inject("serviceDatabase"));
  expect(urls.migrator).not.toBe(migrator);
  const models = readSchemaModels(await readFile(join(prisma, "schema.prisma"), "utf8"));
  const columns = await query<{ table_name: string; column: string }>(
    urls.migrator,
    `SELECT table_name, format('%s %s%s', column_name, CASE data_type WHEN 'ARRAY' THEN ltrim(udt_name, '_') || '[]' ELSE data_type END,
       CASE is_nullable WHEN 'YES' THEN '' ELSE ' NOT NULL' END) AS column
     FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '_prisma_migrations'`,
  );
  const keys = await query<{ table_name: string; key: string }>(
    urls.migrator,
    `SELECT c.relname AS table_name, format('%s (%s)', CASE WHEN i.indisprimary THEN 'primary' ELSE 'unique' END,
       (SELECT string_agg(a.attname, ', ' ORDER BY k.place) FROM unnest(i.indkey) WITH ORDINALITY k(number, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number)) AS key
     FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND i.indisunique AND i.indpred IS NULL AND c.relname <> '_prisma_migrations'`,
  );
  const collect = (rows: { table_name: string }[], field: string): Record<string, string[]> => {
    const found: Record<string, string[]> = {};
    for (const row of rows) (found[row.table_name] ??= []).push(String(Reflect.get(row, field)));
    return Object.fromEntries(Object.entries(found).map(([table, list]) => [table, list.toSorted()]));
  };
  const wanted = (field: "columns" | "keys"): Record<string, string[]> =>
    Object.fromEntries(models.map((model) => [model.table, model[field].toSorted()]));
  expect(models.length).toBeGreaterThan(15);
  expect(collect(columns, "column")).toEqual(wanted("columns"));
  expect(collect(keys, "key")).toEqual(wanted("keys"));
  await urls.drop();
});
