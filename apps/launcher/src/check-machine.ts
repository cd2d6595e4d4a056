import { constants } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { fleetName, runFleet } from "./fleet.ts";
import { root } from "./places.ts";
import { runCommand } from "./run-command.ts";
import type { UpOptions } from "./set-up.ts";

/** The folder through which a user other than root does not come, on the way to a path that is there. */
export async function findImpassable(path: string): Promise<string | undefined> {
  for (let at = path; ; at = dirname(at)) {
    const { mode } = await stat(at);
    if ((mode & 0o001) === 0) return at;
    if (at === dirname(at)) return undefined;
  }
}

async function isProgram(name: string, path: string): Promise<boolean> {
  const tries = path.split(delimiter).map((folder) =>
    access(join(folder, name), constants.X_OK).then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(tries)).includes(true);
}

/**
 * Postgres does not run as root, so it has a user of its own, who must come to its programs and to its data: by the folders' own rights, or by
 * mounts of its own.
 */
async function checkDatabaseUser(home: string, environment: NodeJS.ProcessEnv): Promise<string[]> {
  const problems: string[] = [];
  for (const folder of [home, join(root, "node_modules")]) {
    const impassable = await findImpassable(folder);
    if (impassable !== undefined && !(await canMount(environment)))
      problems.push(
        `Postgres does not run as root, and its own user can't pass through ${impassable}. Let others pass through it, without reading it: chmod o+x ${impassable}`,
      );
  }
  const hasUser = /^postgres:/m.test(await readFile("/etc/passwd", "utf8").catch(() => ""));
  if (!hasUser && !(await isProgram("useradd", `${environment["PATH"] ?? ""}:/usr/sbin`)))
    problems.push("Postgres needs a user of its own, and there is no useradd to make it: apt-get install passwd");
  return [...new Set(problems)];
}

/** Whether a process may have mounts of its own here, which containers often may not. */
async function canMount(environment: NodeJS.ProcessEnv): Promise<boolean> {
  const mount = ["mount", "-t", "tmpfs", "tmpfs", "/mnt"];
  return runCommand(["unshare", "--mount", "--propagation", "private", ...mount], { environment }).then(
    () => true,
    () => false,
  );
}

/**
 * Looks for what this machine lacks, before anything is started.
 * @param home folder that is there
 * @returns a sentence for each thing, with the command that helps
 */
export async function checkMachine(
  home: string,
  options: Pick<UpOptions, "fleet" | "provider">,
  environment: NodeJS.ProcessEnv,
): Promise<string[]> {
  if (process.platform !== "linux") return [`Linux is needed, and this is ${process.platform}. Use a virtual machine.`];
  const problems: string[] = [];
  if (process.getuid?.() === 0) problems.push(...(await checkDatabaseUser(home, environment)));
  if (options.fleet === undefined) {
    if (options.provider === undefined)
      problems.push(
        "Without a fleet, PILOTHOUSE_PROVIDER must name a JSON file with your domain, DNS and addresses; docs/deploy/provider.example.json is one to begin with: PILOTHOUSE_PROVIDER=provider.json npm run up -- --no-fleet",
      );
    else
      await access(options.provider, constants.R_OK).catch(() =>
        problems.push(`PILOTHOUSE_PROVIDER names ${options.provider}, which can't be read: ls -l ${options.provider}`),
      );
    return problems;
  }
  const topology = options.fleet.topology === undefined ? [] : ["--topology", options.fleet.topology];
  const command = ["doctor", "--name", fleetName, ...topology];
  const { output } = await runFleet(command, {
    environment: { ...environment, PILOTHOUSE_HOME: home },
    allowCodes: [1],
  });
  return [...problems, ...readDoctor(output)];
}

/** What the fleet's doctor says is missing: a line with what was found, and one with what is needed. */
export function readDoctor(output: string): string[] {
  return [...output.matchAll(/^MISSING +(.+)\n +needed: (.+)$/gm)].map(
    ([, found = "", needed = ""]) => `${found.replaceAll(/ {2,}/g, ": ")}; needed: ${needed}`,
  );
}
