import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { readJson, writeJson } from "./places.ts";

const recordSchema = z.object({
  pid: z.int().min(1),
  /** Field 22 of /proc/PID/stat: with the pid it names one process for as long as the machine runs. */
  startTicks: z.string(),
  bootId: z.string(),
  startedAt: z.string(),
  /** What it was started from and with: other sources or options want another process. */
  version: z.string().optional(),
});

/** A process by its identity, not by its name. */
export type ProcessRecord = z.infer<typeof recordSchema>;

/** Variable in the environment of everything that an installation starts. What has lost its parent is found by it. */
export const markVariable = "PILOTHOUSE_STARTED_BY";

const readBootId = async (): Promise<string> =>
  (await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")).trim();

async function readStartTicks(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // The command's name may hold spaces and brackets; the fields after it do not.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

/** Writes down which process something is. */
export async function recordProcess(file: string, pid: number, version?: string): Promise<void> {
  const [startTicks = "gone", bootId] = await Promise.all([readStartTicks(pid), readBootId()]);
  const record: ProcessRecord = { pid, startTicks, bootId, startedAt: new Date().toISOString() };
  await writeJson(file, version === undefined ? record : { ...record, version });
}

/** The process that a file tells of, if it still runs. */
export async function findRecorded(file: string): Promise<ProcessRecord | undefined> {
  const record = await readJson(file, recordSchema);
  return record !== undefined && (await isRunning(record)) ? record : undefined;
}

/** Whether the recorded process still runs. A recycled process id does not count. */
async function isRunning(record: Pick<ProcessRecord, "pid" | "startTicks" | "bootId">): Promise<boolean> {
  return record.bootId === (await readBootId()) && (await readStartTicks(record.pid)) === record.startTicks;
}

/** Takes away the file of a process that has ended. */
export async function forgetProcess(file: string): Promise<void> {
  await rm(file, { force: true });
}

type Identity = Pick<ProcessRecord, "pid" | "startTicks" | "bootId">;

const send = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended just now.
  }
};

/**
 * Ends processes: asks them to, and kills those that are still there when the time is over.
 * @returns when none runs any more
 * @throws Error when one outlives even that for ten seconds
 */
export async function endProcesses(processes: readonly Identity[], graceMs: number): Promise<void> {
  const listRunning = async (): Promise<Identity[]> => {
    const states = await Promise.all(processes.map(isRunning));
    return processes.filter((_, index) => states[index]);
  };
  for (const [signal, patienceMs] of [
    ["SIGTERM", graceMs],
    ["SIGKILL", 10_000],
  ] as const) {
    const deadlineMs = performance.now() + patienceMs;
    for (const { pid } of await listRunning()) send(pid, signal);
    while ((await listRunning()).length > 0 && performance.now() < deadlineMs) await sleep(50);
  }
  const left = await listRunning();
  if (left.length > 0) throw new Error(`These processes do not end: ${left.map(({ pid }) => pid).join(", ")}`);
}

/** All processes that carry an installation's mark, this one aside. */
export async function listMarked(mark: string): Promise<Identity[]> {
  const bootId = await readBootId();
  const word = `${markVariable}=${mark}`;
  const pids = (await readdir("/proc")).map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid);
  const found = await Promise.all(
    pids.map(async (pid): Promise<Identity[]> => {
      // In this order: were the process id given to another one in between, the identity would be the other's, and its environment not.
      const startTicks = await readStartTicks(pid);
      const environment = await readFile(join("/proc", String(pid), "environ"), "utf8").catch(() => "");
      if (startTicks === undefined || !environment.split("\0").includes(word)) return [];
      return [{ pid, startTicks, bootId }];
    }),
  );
  return found.flat();
}

/** Ends everything that an installation has started, whoever its parent is now. */
export async function endMarked(mark: string, graceMs: number): Promise<void> {
  // What was just about to start another one shows in the second look.
  for (let look = 0; look < 5; look += 1) {
    const found = await listMarked(mark);
    if (found.length === 0) return;
    await endProcesses(found, graceMs);
  }
}
