/**
 * `npm run database -- serve | migrate | create-platform-key | reconcile-all`: the database of the service.
 *
 * - `serve` runs the embedded Postgres of PILOTHOUSE_HOME, migrated, until it is told to stop. Passwords are made once.
 * - `migrate` brings the Postgres of DATABASE_URL (an owner that may make roles) to the newest schema, and gives the roles of
 *   DATABASE_URL_WEB and DATABASE_URL_WORKER their passwords.
 * - `create-platform-key` makes an API key of the platform and prints it, to make all others with.
 * - `reconcile-all` has the workers look at every cluster and revision now, say after something was changed behind their back.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { z } from "zod";
import { ensurePlatformKey } from "./api-keys/ensure-platform-key.ts";
import { generateApiKey } from "./api-keys/make-api-key.ts";
import { connectDatabase } from "./database/connect.ts";
import { startEmbeddedPostgres } from "./database/embedded-postgres.ts";
import { endLeftServer } from "./database/end-left-server.ts";
import { type DatabaseUrls, ensureDatabase } from "./database/ensure-database.ts";
import { wakeAll } from "./work/wake-all.ts";

const usage = "Usage: npm run database -- serve | migrate | create-platform-key | reconcile-all";
const migrations = resolve(import.meta.dirname, "../../../prisma/migrations");

const UrlsSchema = z.object({ migrator: z.string(), web: z.string(), worker: z.string() });
const EnvironmentSchema = z.object({
  PILOTHOUSE_HOME: z.string().default(".pilothouse"),
  DATABASE_URL: z.url().optional(),
  DATABASE_URL_WEB: z.url().optional(),
  DATABASE_URL_WORKER: z.url().optional(),
});
type Environment = z.infer<typeof EnvironmentSchema>;

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** A port of the loopback that is free now; kept in database.json as long as nobody else takes it. */
async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const address = server.address();
  await new Promise((settle) => server.close(settle));
  if (address === null || typeof address === "string") throw new Error("no free port of the loopback was found");
  return address.port;
}

/** URLs of the embedded database, made at the first start. Written as a whole, or not at all. */
async function ensureUrls(home: string): Promise<DatabaseUrls> {
  const file = join(home, "database.json");
  if (existsSync(file)) return UrlsSchema.parse(JSON.parse(await readFile(file, "utf8")));
  // Others may pass through to the database's own folder, whose server does not run as root; nothing in it can be listed or read.
  await mkdir(home, { recursive: true, mode: 0o711 });
  const port = await findFreePort();
  const build = (user: string): string =>
    `postgres://${user}:${randomBytes(24).toString("hex")}@127.0.0.1:${port}/postgres`;
  const urls = { migrator: build("postgres"), web: build("pilothouse_web"), worker: build("pilothouse_worker") };
  await writeUrls(home, urls);
  return urls;
}

/** Whether a server could listen on a port of the loopback. */
async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  const isFree = await new Promise<boolean>((settle) => {
    server.once("error", () => settle(false)).listen(port, "127.0.0.1", () => settle(true));
  });
  if (isFree) await new Promise((settle) => server.close(settle));
  return isFree;
}

/** The URLs with another port, where somebody else has taken the port since the last time. */
async function movePort(home: string, urls: DatabaseUrls): Promise<DatabaseUrls> {
  await endLeftServer(join(home, "postgres"));
  if (await isPortFree(Number(new URL(urls.migrator).port))) return urls;
  const port = String(await findFreePort());
  const move = (url: string): string => Object.assign(new URL(url), { port }).href;
  const moved = { migrator: move(urls.migrator), web: move(urls.web), worker: move(urls.worker) };
  await writeUrls(home, moved);
  return moved;
}

async function writeUrls(home: string, urls: DatabaseUrls): Promise<void> {
  const file = join(home, "database.json");
  await writeFile(`${file}.new`, `${JSON.stringify(urls, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function serve(environment: Environment): Promise<void> {
  const home = resolve(environment.PILOTHOUSE_HOME);
  const urls = await movePort(home, await ensureUrls(home));
  const { port, password } = new URL(urls.migrator);
  // What it says while it starts is part of the error when it does not; from then on whoever runs it may read along.
  const log: string[] = [];
  let isUp = false;
  const server = await startEmbeddedPostgres({
    folder: join(home, "postgres"),
    port: Number(port),
    password,
    onLog: (line) => {
      if (isUp) process.stderr.write(`${line.trimEnd()}\n`);
      else log.push(line);
    },
  }).catch((error: unknown) => {
    throw new Error(`The embedded Postgres did not start. It said:\n${log.join("")}`, { cause: error });
  });
  isUp = true;
  const stop = new Promise<void>((settle) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => settle());
  });
  try {
    for (const name of await ensureDatabase(urls, migrations)) say(`migration ${name} applied`);
    say(`ready on 127.0.0.1:${port}; its URLs are in ${join(home, "database.json")}`);
    await Promise.race([
      stop,
      server.ended.then(() => {
        throw new Error("The embedded Postgres has ended, and nobody told it to.");
      }),
    ]);
  } finally {
    await server.stop();
  }
}

async function readUrls(environment: Environment): Promise<DatabaseUrls> {
  const { DATABASE_URL: migrator, DATABASE_URL_WEB: web, DATABASE_URL_WORKER: worker } = environment;
  if (migrator === undefined) return ensureUrls(resolve(environment.PILOTHOUSE_HOME));
  if (web === undefined || worker === undefined) {
    throw new Error(
      "With DATABASE_URL set, DATABASE_URL_WEB and DATABASE_URL_WORKER are needed, too: the roles that the services connect as.",
    );
  }
  return { migrator, web, worker };
}

async function createPlatformKey(urls: DatabaseUrls): Promise<void> {
  const database = connectDatabase(urls.web, 1);
  try {
    const key = generateApiKey();
    await ensurePlatformKey(database, key);
    say(key);
  } finally {
    await database.$disconnect();
  }
}

async function reconcileAll(urls: DatabaseUrls): Promise<void> {
  const database = connectDatabase(urls.worker, 1);
  try {
    say(`${await wakeAll(database)} objects are due now`);
  } finally {
    await database.$disconnect();
  }
}

async function run(): Promise<void> {
  const [command] = process.argv.slice(2);
  const environment = EnvironmentSchema.parse(process.env);
  switch (command) {
    case "serve":
      return serve(environment);
    case "migrate": {
      const applied = await ensureDatabase(await readUrls(environment), migrations);
      return say(applied.length === 0 ? "nothing to migrate" : `applied: ${applied.join(", ")}`);
    }
    case "create-platform-key":
      return createPlatformKey(await readUrls(environment));
    case "reconcile-all":
      return reconcileAll(await readUrls(environment));
    default:
      throw new Error(`${command === undefined ? "Which command?" : `There is no command ${command}.`} ${usage}`);
  }
}

try {
  await run();
} catch (error) {
  const cause = error instanceof Error && error.cause instanceof Error ? `\n  because: ${error.cause.message}` : "";
  process.stderr.write(`database: ${error instanceof Error ? error.message : String(error)}${cause}\n`);
  // Said at once: a Postgres that was started sets the code of an ordinary end to 0.
  process.exit(1);
}
