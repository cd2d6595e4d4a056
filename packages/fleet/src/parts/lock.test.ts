import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { acquireLock, readStartTicks, sweepLockDrafts } from "./lock.ts";

let folder: string;
let file: string;
const { signal } = new AbortController();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pilothouse-lock-"));
  file = join(folder, "locks", "etcd");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const writeOwner = (pid: number, startTicks: string): Promise<void> =>
  writeFile(file, JSON.stringify({ pid, startTicks, token: "other" }));

test("callers of one process go one after the other, and leave nothing behind", async () => {
  let inside = 0;
  let most = 0;
  const waited: number[] = [];
  const enter = async (): Promise<void> => {
    const lock = await acquireLock(file, { signal, pollMs: 5, onWait: (pid) => waited.push(pid) });
    inside += 1;
    most = Math.max(most, inside);
    await readFile("/proc/self/stat");
    inside -= 1;
    await lock.release();
    await lock.release();
  };
  await Promise.all(Array.from({ length: 8 }, enter));
  expect(most).toBe(1);
  expect(waited).toContain(process.pid);
  expect(await readdir(join(folder, "locks"))).toEqual([]);
});

test("the lock of a process that has ended is taken over", async () => {
  await (await acquireLock(file, { signal })).release();
  const child = spawn("sleep", ["60"]);
  const { pid = 0 } = child;
  await writeOwner(pid, (await readStartTicks(pid)) ?? "");
  const { reason } = await takeFor(150);
  expect(reason).toBe("timed out");
  child.kill("SIGKILL");
  await once(child, "close");
  expect(await takeFor(5_000)).toMatchObject({ reason: "taken" });
});

test("a process id that was given to another process does not hold the lock", async () => {
  await (await acquireLock(file, { signal })).release();
  await writeOwner(process.pid, "1");
  expect(await takeFor(5_000)).toMatchObject({ reason: "taken" });
});

test("a lock file that makes no sense is put aside", async () => {
  await (await acquireLock(file, { signal })).release();
  await writeFile(file, "{");
  expect(await takeFor(5_000)).toMatchObject({ reason: "taken" });
});

test("many that find a dead lock at once still go one after the other", async () => {
  await (await acquireLock(file, { signal })).release();
  await writeOwner(process.pid, "1");
  let inside = 0;
  let most = 0;
  const enter = async (): Promise<void> => {
    const lock = await acquireLock(file, { signal, pollMs: 5 });
    inside += 1;
    most = Math.max(most, inside);
    await readFile("/proc/self/stat");
    inside -= 1;
    await lock.release();
  };
  await Promise.all(Array.from({ length: 8 }, enter));
  expect(most).toBe(1);
});

test("what a killed waiter left is swept, what a living one has stays", async () => {
  await (await acquireLock(file, { signal })).release();
  const ids = ["00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000001"] as const;
  const living = { pid: process.pid, startTicks: await readStartTicks(process.pid), token: ids[1] };
  await writeFile(`${file}.${ids[0]}`, JSON.stringify({ pid: process.pid, startTicks: "1", token: ids[0] }));
  await writeFile(`${file}.${ids[1]}`, JSON.stringify(living));
  await sweepLockDrafts(join(folder, "locks"));
  expect(await readdir(join(folder, "locks"))).toEqual([`etcd.${ids[1]}`]);
});

/** Tries to take the lock for a while, and gives it back. */
async function takeFor(timeoutMs: number): Promise<{ reason: string }> {
  try {
    const lock = await acquireLock(file, { signal: AbortSignal.timeout(timeoutMs), pollMs: 10 });
    await lock.release();
    return { reason: "taken" };
  } catch {
    return { reason: "timed out" };
  }
}
