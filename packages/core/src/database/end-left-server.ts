import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Shutting down takes a server as long as its last checkpoint; after this it is killed, in milliseconds. */
const patienceMs = 20_000;

/**
 * Processes of a Postgres server: all of them work in its data folder, and nothing else does. The folder itself is compared, as one that sees it
 * through mounts of its own has another path for it.
 */
async function listServerProcesses(folder: string): Promise<number[]> {
  const { dev, ino } = await stat(folder);
  const pids = (await readdir("/proc")).map(Number).filter(Number.isInteger);
  const places = await Promise.all(pids.map((pid) => stat(join("/proc", String(pid), "cwd")).catch(() => undefined)));
  return pids.filter((_, index) => places[index]?.dev === dev && places[index].ino === ino);
}

const send = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended just now.
  }
};

/**
 * Ends a server that still runs on a data folder because whoever started it was killed: its data is whole, and another server could not start.
 * Does nothing where none runs, and on machines without /proc.
 * @throws Error when it does not end
 */
export async function endLeftServer(given: string): Promise<void> {
  const folder = await realpath(given).catch(() => undefined);
  if (folder === undefined) return;
  const main = Number((await readFile(join(folder, "postmaster.pid"), "utf8").catch(() => "")).split("\n")[0]);
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    const deadlineMs = performance.now() + patienceMs;
    let left = await listServerProcesses(folder).catch(() => []);
    // The main process ends the others in order; without it they end by themselves.
    for (const pid of left) if (pid === main || signal === "SIGKILL") send(pid, signal);
    while (left.length > 0 && performance.now() < deadlineMs) {
      await sleep(50);
      left = await listServerProcesses(folder);
    }
    if (left.length === 0) return;
  }
  throw new Error(`A server that was left running on ${folder} does not end.`);
}
