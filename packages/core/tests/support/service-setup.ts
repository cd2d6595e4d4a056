import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { z } from "zod";
import { createDatabase } from "../../src/database/copy-database.ts";
import { type EmbeddedDatabase, startEmbeddedPostgres } from "../../src/database/embedded-postgres.ts";
import { type DatabaseUrls, ensureDatabase } from "../../src/database/ensure-database.ts";
import { startOnFreePort } from "./free-port.ts";

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
  const { server, port } = await startOnFreePort((free) => startPostgres(join(folder, "postgres"), free, password));
  const redisProgram = await findRedisServer();
  const redis = await startOnFreePort((free) => startRedis(redisProgram, free, folder));
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

async function startPostgres(
  folder: string,
  port: number,
  password: string,
): Promise<{ server: EmbeddedDatabase; port: number }> {
  const log: string[] = [];
  try {
    return { server: await startEmbeddedPostgres({ folder, port, password, onLog: (line) => log.push(line) }), port };
  } catch (error) {
    throw new Error(`The embedded Postgres did not start. It said:\n${log.join("")}`, { cause: error });
  }
}

const redisStartMs = 10_000;

async function startRedis(
  found: RedisProgram,
  port: number,
  folder: string,
): Promise<{ url: string; process: ChildProcess }> {
  const parameters = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  const process = spawn(found.program, parameters, {
    stdio: ["ignore", "pipe", "ignore"],
    env: { LD_LIBRARY_PATH: found.libraries },
  });
  const log: string[] = [];
  try {
    await new Promise<void>((settle, reject) => {
      process.once("error", reject);
      process.once("close", () => reject(new Error("it ended")));
      setTimeout(() => reject(new Error(`nothing after ${redisStartMs} ms`)), redisStartMs).unref();
      process.stdout.on("data", (piece: Buffer) => {
        log.push(piece.toString());
        if (log.join("").includes("Ready to accept connections")) settle();
      });
    });
  } catch (error) {
    process.kill("SIGKILL");
    throw new Error(`${found.program} did not start. It said:\n${log.join("")}`, { cause: error });
  }
  process.stdout.removeAllListeners("data").resume();
  return { url: `redis://127.0.0.1:${port}`, process };
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
