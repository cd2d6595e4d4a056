import { randomBytes } from "node:crypto";
import { Client } from "pg";
import type { DatabaseUrls } from "./ensure-database.ts";

/** A database of one's own. */
export interface DatabaseCopy extends DatabaseUrls {
  /** Ends whoever is still connected, and removes it. */
  drop: () => Promise<void>;
}

/**
 * Copies a migrated database that nobody is connected to: for tests, each file of which gets one of its own in the time of a file copy.
 * @param template URLs of the database to copy; the copy has the same server, users and passwords
 */
export async function copyDatabase(template: DatabaseUrls): Promise<DatabaseCopy> {
  const source = new URL(template.migrator).pathname.slice(1);
  const name = `copy_${randomBytes(6).toString("hex")}`;
  await runAdmin(template.migrator, (client) =>
    client.query(`CREATE DATABASE ${name} TEMPLATE ${client.escapeIdentifier(source)}`),
  );
  return {
    migrator: replaceName(template.migrator, name),
    web: replaceName(template.web, name),
    worker: replaceName(template.worker, name),
    drop: () => runAdmin(template.migrator, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  };
}

/** Makes an empty database, named as in a URL, on that URL's server. */
export async function createDatabase(url: string): Promise<void> {
  const name = new URL(url).pathname.slice(1);
  await runAdmin(url, (client) => client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`));
}

function replaceName(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

async function runAdmin(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: replaceName(url, "postgres"), connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
