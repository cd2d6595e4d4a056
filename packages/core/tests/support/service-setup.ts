import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { z } from "zod";
import { createDatabase } from "../../src/database/copy-database.ts";
import { startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { type DatabaseUrls, ensureDatabase } from "../../src/database/ensure-database.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A migrated database to copy (`copyDatabase`); nobody connects to it. */
    serviceDatabase: DatabaseUrls;
    /** A real Redis. */
    redisUrl: string;
    /** How to start another one. */
    redisProgram: RedisProgram;
  }
}

/** A redis-server, and where its libraries are. */
export interface RedisProgram {
  program: string;
  libraries: string;
}

const fleetCli = resolve(import.meta.dirname, "../../../fleet/src/cli.ts");
const migrations = resolve(import.meta.dirname, "../../../../prisma/migrations");

/** Once for the whole run: a Postgres with one migrated database, and a Redis. Both are gone at the end. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "pilothouse-service-"));
  // Where tests run as root, the server runs as another user, who has to get there.
  await chmod(folder, 0o755);
  const password = randomBytes(16).toString("hex");
  const port = await findFreePort();
  const log: string[] = [];
  const server = await startEmbeddedPostgres({
    folder: join(folder, "postgres"),
    port,
    password,
    onLog: (line) => log.push(line),
  }).catch((error: unknown) => {
    throw new Error(`The embedded Postgres did not start. It said:\n${log.join("")}`, { cause: error });
  });
  const redisProgram = await findRedisServer();
  const redis = await startRedis(redisProgram, folder);
  const build = (user: string, secret: string): string =>
    `postgres://${user}:${secret}@127.0.0.1:${port}/template_service`;
  const urls = {
    migrator: build("postgres", password),
    web: build("pilothouse_web", randomBytes(16).toString("hex")),
    worker: build("pilothouse_worker", randomBytes(16).toString("hex")),
  };
  await createDatabase(urls.migrator);
  await ensureDatabase(urls, migrations);
  project.provide("serviceDatabase", urls);
  project.provide("redisUrl", redis.url);
  project.provide("redisProgram", redisProgram);
  return async () => {
    redis.process.kill("SIGKILL");
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const address = server.address();
  await new Promise((settle) => server.close(settle));
  if (address === null || typeof address === "string") throw new Error("No free port of the loopback was found.");
  return address.port;
}

async function startRedis(found: RedisProgram, folder: string): Promise<{ url: string; process: ChildProcess }> {
  const port = await findFreePort();
  const process = spawn(found.program, ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder], {
    stdio: "ignore",
    env: { LD_LIBRARY_PATH: found.libraries },
  });
  for (let tries = 0; tries < 100; tries += 1) {
    if (await answers(port)) return { url: `redis://127.0.0.1:${port}`, process };
    await sleep(50);
  }
  process.kill("SIGKILL");
  throw new Error(`${found.program} did not listen on port ${port} within 5 s.`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      settle(true);
    });
    socket.once("error", () => settle(false));
  });
}

const PartsSchema = z.object({
  paths: z.object({ "redis-server": z.string() }),
  environment: z.object({ LD_LIBRARY_PATH: z.string() }),
});

/** The one on PATH, or else the local fleet's: its command gets it where it is missing. */
async function findRedisServer(): Promise<RedisProgram> {
  const environment = process.env;
  for (const directory of (environment["PATH"] ?? "").split(delimiter)) {
    const program = join(directory, "redis-server");
    if (existsSync(program)) return { program, libraries: environment["LD_LIBRARY_PATH"] ?? "" };
  }
  const { stdout } = await promisify(execFile)(process.execPath, [fleetCli, "parts", "--json"], {
    maxBuffer: 16 * 1024 * 1024,
  });
  const { paths, environment: found } = PartsSchema.parse(JSON.parse(stdout));
  return { program: paths["redis-server"], libraries: found.LD_LIBRARY_PATH };
}
