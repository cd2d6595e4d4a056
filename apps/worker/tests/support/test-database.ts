import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type DatabaseUrls, ensureDatabase, startEmbeddedPostgres } from "@pilothouse/core";

/** A Postgres of a test file's own, migrated. */
export interface TestDatabase {
  urls: DatabaseUrls;
  /** Ends it as `pg_ctl stop -m fast` does, and starts it anew with the same data. */
  stop: () => Promise<void>;
  start: () => Promise<void>;
  /** Ends it for good and removes its data. */
  remove: () => Promise<void>;
}

const migrations = resolve(import.meta.dirname, "../../../../prisma/migrations");

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const address = server.address();
  await new Promise((settle) => server.close(settle));
  if (address === null || typeof address === "string") throw new Error("no free port of the loopback was found");
  return address.port;
}

export async function startTestDatabase(): Promise<TestDatabase> {
  const home = await mkdtemp(join(tmpdir(), "pilothouse-worker-"));
  // As root the server runs as another user, who has to get in.
  await chmod(home, 0o755);
  const port = await findFreePort();
  const build = (user: string): string => `postgres://${user}:test@127.0.0.1:${port}/postgres`;
  const urls = { migrator: build("postgres"), web: build("pilothouse_web"), worker: build("pilothouse_worker") };
  const open = () => startEmbeddedPostgres({ folder: join(home, "postgres"), port, password: "test" });
  let server = await open();
  await ensureDatabase(urls, migrations);
  return {
    urls,
    stop: () => server.stop(),
    async start() {
      server = await open();
    },
    async remove() {
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
