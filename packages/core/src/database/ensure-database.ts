import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { queueName } from "@pilothouse/contract";
import { createPostgresBackend, Queue } from "bullmq";
import { Client } from "pg";
import { makeScramVerifier } from "./scram-verifier.ts";

/** Who connects to a database, each with a URL of its own. */
export interface DatabaseUrls {
  /** Owns the tables; may make roles. Used at start alone. */
  migrator: string;
  web: string;
  worker: string;
}

const serviceRoles = ["pilothouse_web", "pilothouse_worker"] as const;

/** Where BullMQ keeps its tables when Postgres is its store. */
export const queueSchema = "bullmq";

/** Processes that start at the same time migrate one after another: any number will do, as long as nobody else takes it. */
const migrationLock = 4_627_310_055;

/**
 * Brings a database to the newest schema: the two service roles with their passwords, every migration that is missing, and the queue's tables.
 * Migrations are recorded in Prisma's own table, so `prisma migrate deploy` goes on where this stopped.
 * @param folder of the migrations, in Prisma's layout
 * @returns the names of the migrations that were applied now
 * @throws Error when an applied migration's file has changed since, or a migration fails; nothing of a failed one stays
 */
export async function ensureDatabase(urls: DatabaseUrls, folder: string): Promise<string[]> {
  const client = new Client({ connectionString: urls.migrator, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1)", [migrationLock]);
    for (const [role, url] of [
      ["pilothouse_web", urls.web],
      ["pilothouse_worker", urls.worker],
    ] as const) {
      await ensureRole(client, role, url);
    }
    const applied = await applyMigrations(client, folder);
    await ensureQueueTables(client, urls.migrator);
    return applied;
  } finally {
    await client.end();
  }
}

/** Roles are the server's, not the database's: one that exists already gets the password of this start. */
async function ensureRole(client: Client, role: (typeof serviceRoles)[number], url: string): Promise<void> {
  const { username, password } = new URL(url);
  if (username !== role)
    throw new Error(
      `The URL for ${role} names the user ${username || "(none)"}: rights are given to ${role}, so connect as that.`,
    );
  const found = await client.query("SELECT 1 FROM pg_roles WHERE rolname = $1", [role]);
  const secret = password === "" ? "NULL" : client.escapeLiteral(makeScramVerifier(decodeURIComponent(password)));
  await client.query(
    `${found.rowCount === 0 ? "CREATE" : "ALTER"} ROLE ${role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD ${secret}`,
  );
}

async function applyMigrations(client: Client, folder: string): Promise<string[]> {
  await client.query(`CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL, logs text,
    rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0)`);
  const known = await client.query<{ migration_name: string; checksum: string }>(
    "SELECT migration_name, checksum FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL",
  );
  const checksums = new Map(known.rows.map((row) => [row.migration_name, row.checksum]));
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const applied: string[] = [];
  for (const name of names.toSorted()) {
    const sql = await readFile(join(folder, name, "migration.sql"), "utf8");
    const checksum = createHash("sha256").update(sql).digest("hex");
    const before = checksums.get(name);
    if (before === checksum) continue;
    if (before !== undefined) {
      throw new Error(
        `Migration ${name} was changed after it had been applied to this database. Undo that change, and put what is new into a migration of its own.`,
      );
    }
    await applyMigration(client, name, sql, checksum);
    applied.push(name);
  }
  return applied;
}

async function applyMigration(client: Client, name: string, sql: string, checksum: string): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query(sql);
    await client.query(
      "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count) VALUES (gen_random_uuid()::text, $1, now(), $2, 1)",
      [checksum, name],
    );
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw new Error(
      `Migration ${name} failed, and nothing of it was kept: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

/** The queue's own migrations need an owner's rights, which the services do not have. */
async function ensureQueueTables(client: Client, migratorUrl: string): Promise<void> {
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${queueSchema}`);
  const connection = { connectionString: migratorUrl, schema: queueSchema, migrate: true };
  const queue = new Queue(queueName, { connection }, createPostgresBackend);
  try {
    await queue.waitUntilReady();
  } finally {
    await queue.close();
  }
  // BullMQ makes each queue's sequence of ids when the first job is added, which the service roles must not: it is made here.
  await client.query(`SELECT ${queueSchema}.next_job_id($1)`, [queueName]);
  for (const role of serviceRoles) {
    await client.query(`GRANT USAGE ON SCHEMA ${queueSchema} TO ${role}`);
    await client.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${queueSchema} TO ${role}`);
    await client.query(`GRANT USAGE ON ALL SEQUENCES IN SCHEMA ${queueSchema} TO ${role}`);
    await client.query(`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${queueSchema} TO ${role}`);
  }
}
