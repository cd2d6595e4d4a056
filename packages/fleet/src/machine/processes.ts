import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { FleetError } from "../errors.ts";
import { ensurePartCgroup, ensureVisitorCgroup, findPartCgroup, killCgroups, listFleetCgroups } from "./cgroups.ts";

const RecordSchema = z.strictObject({
  part: z.string(),
  pid: z.int(),
  /** Field 22 of /proc/PID/stat: with the pid it names one process for as long as the machine runs. */
  startTicks: z.string(),
  bootId: z.string(),
  command: z.tuple([z.string()], z.string()),
  place: z.string().optional(),
  environment: z.record(z.string(), z.string()),
  startedAt: z.string(),
});

/** One started program of the fleet. */
export type ProcessRecord = z.infer<typeof RecordSchema>;

/** Where a fleet keeps records and logs of its processes, and the name of its cgroups. */
export interface ProcessScope {
  recordsFolder: string;
  logsFolder: string;
  cgroup: string;
}

/** A program to start. `place` is the part whose network and mount namespaces it shall live in; the machine's own when absent. */
export interface ProgramRequest {
  part: string;
  command: [string, ...string[]];
  environment?: Record<string, string>;
  place?: string;
}

const recordFile = (scope: ProcessScope, part: string): string =>
  join(scope.recordsFolder, `${part.replaceAll("/", ".")}.json`);

/** The log of a part. */
export const logFile = (scope: ProcessScope, part: string): string =>
  join(scope.logsFolder, `${part.replaceAll("/", ".")}.log`);

let bootIdOnce: Promise<string> | undefined;
const readBootId = (): Promise<string> =>
  (bootIdOnce ??= readFile("/proc/sys/kernel/random/boot_id", "utf8").then((text) => text.trim()));

async function readStartTicks(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The command's name may hold spaces and brackets; the fields after it do not.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Whether the recorded process still runs. A recycled process id does not count. */
export async function isRunning(record: ProcessRecord): Promise<boolean> {
  return record.bootId === (await readBootId()) && (await readStartTicks(record.pid)) === record.startTicks;
}

/** The record of a part, running or not; undefined when it was never started. */
export async function readRecord(scope: ProcessScope, part: string): Promise<ProcessRecord | undefined> {
  try {
    return RecordSchema.parse(JSON.parse(await readFile(recordFile(scope, part), "utf8")));
  } catch {
    return undefined;
  }
}

/** All records of a fleet. */
export async function listRecords(scope: ProcessScope): Promise<ProcessRecord[]> {
  const files = await readdir(scope.recordsFolder).catch(() => []);
  const records = await Promise.all(
    files.filter((file) => file.endsWith(".json")).map((file) => readRecord(scope, file.slice(0, -".json".length))),
  );
  return records.filter((record) => record !== undefined);
}

/** The process id of a part that runs, or undefined. */
export async function findRunning(scope: ProcessScope, part: string): Promise<number | undefined> {
  const record = await readRecord(scope, part);
  return record !== undefined && (await isRunning(record)) ? record.pid : undefined;
}

/** The words before a command that is to run in a place. */
export async function enterPlace(scope: ProcessScope, place: string): Promise<[string, ...string[]]> {
  const pid = await findRunning(scope, place);
  if (pid === undefined)
    throw new FleetError(`${place} is not open, so nothing can run in it. Bring the fleet up: npm run fleet -- up`);
  return ["nsenter", "--target", String(pid), "--net", "--mount", "--"];
}

/**
 * The words before a command that visits a place: it joins a cgroup of the fleet first, so that it and all it starts end with
 * the fleet. Its standard streams stay the caller's.
 * @throws FleetError when the fleet is down.
 */
export async function enterAsVisitor(scope: ProcessScope, place: string): Promise<[string, ...string[]]> {
  const enter = await enterPlace(scope, place);
  const group = await ensureVisitorCgroup(scope.cgroup);
  if (group === undefined) throw new FleetError("The fleet is being taken down. Bring it up: npm run fleet -- up");
  return ["/bin/sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', group, ...enter];
}

/**
 * Starts a part again, the way it was started last.
 * @throws FleetError when it was never started, or its place is gone.
 */
export async function restartPart(scope: ProcessScope, part: string): Promise<void> {
  const record = await readRecord(scope, part);
  if (record === undefined)
    throw new FleetError(`${part} was never started here. Bring the fleet up: npm run fleet -- up`);
  if (await isRunning(record)) return;
  const { command, environment, place } = record;
  await startProcess(scope, { part, command: [...command], environment, ...(place === undefined ? {} : { place }) });
}

/**
 * Starts a program detached from this process, in a cgroup of its own, with its output in the part's log.
 * The shell joins the cgroup before it becomes the program, so that no child can be outside; and it waits until its record is
 * written, so that a process killed in between leaves no program that no record knows.
 */
export async function startProcess(scope: ProcessScope, request: ProgramRequest): Promise<number> {
  await mkdir(scope.logsFolder, { recursive: true });
  await mkdir(scope.recordsFolder, { recursive: true });
  const group = await ensurePartCgroup(scope.cgroup, request.part);
  const enter = request.place === undefined ? [] : await enterPlace(scope, request.place);
  const output = openSync(logFile(scope, request.part), "a", 0o600);
  const environment = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...request.environment };
  try {
    const child = spawn(
      "/bin/sh",
      ["-c", 'echo $$ > "$0/cgroup.procs" && read -r _ && exec "$@" < /dev/null', group, ...enter, ...request.command],
      {
        detached: true,
        stdio: ["pipe", output, output],
        env: environment,
        cwd: "/",
      },
    );
    const pid = child.pid;
    if (pid === undefined) {
      throw new FleetError(
        `${request.part} could not be started: /bin/sh is missing or this process may not start others.`,
      );
    }
    child.unref();
    const startTicks = await readStartTicks(pid);
    const record: ProcessRecord = {
      part: request.part,
      pid,
      startTicks: startTicks ?? "gone",
      bootId: await readBootId(),
      command: request.command,
      ...(request.place === undefined ? {} : { place: request.place }),
      environment,
      startedAt: new Date().toISOString(),
    };
    const file = recordFile(scope, request.part);
    await writeFile(`${file}.tmp`, JSON.stringify(record, undefined, 2), { mode: 0o600 });
    await rename(`${file}.tmp`, file);
    // A shell that has ended by itself does not listen; whoever waits for the part sees it gone.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end("\n");
    return pid;
  } finally {
    closeSync(output);
  }
}

/** Ends a part and everything it started. A part that does not run is left as it is. */
export async function killPart(scope: ProcessScope, part: string): Promise<void> {
  await killCgroups([await findPartCgroup(scope.cgroup, part)]);
}

/** Ends everything in any cgroup of the fleet, records or not. */
export async function killEverything(scope: ProcessScope): Promise<void> {
  await killCgroups(await listFleetCgroups(scope.cgroup));
  await rm(scope.recordsFolder, { recursive: true, force: true });
}

/**
 * Waits until `check` answers true, asking every `intervalMs`, or until the part has ended.
 * @throws FleetError with the end of the part's log, when it ended or the time is over.
 */
export async function waitUntilReady(
  scope: ProcessScope,
  part: string,
  check: () => Promise<boolean>,
  options: { timeoutMs: number; intervalMs?: number; signal?: AbortSignal },
): Promise<void> {
  const deadlineMs = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    if (await check()) return;
    const isGone = (await findRunning(scope, part)) === undefined;
    if (isGone || performance.now() > deadlineMs) {
      const what = isGone ? "ended by itself" : `is not ready after ${Math.round(options.timeoutMs / 1000)} s`;
      throw new FleetError(
        `${part} ${what}. The end of its log (${logFile(scope, part)}):\n${await tailLog(scope, part, 15)}`,
      );
    }
    await sleep(options.intervalMs ?? 50);
  }
}

/** The last lines of a part's log, or a sentence that there are none. */
export async function tailLog(scope: ProcessScope, part: string, lines: number): Promise<string> {
  const text = await readFile(logFile(scope, part), "utf8").catch(() => "");
  const tail = text.trimEnd().split("\n").slice(-lines);
  return text === "" ? "  (the log is empty)" : tail.map((line) => `  ${line}`).join("\n");
}
