import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type KeptProgram, keepRunning, logFile, openLog, recordFile } from "./keep-running.ts";
import { openPlaces, type Places } from "./places.ts";
import { findRecorded } from "./process-identity.ts";

let folder: string;
let places: Places;
let kept: KeptProgram | undefined;
const reports: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pilothouse-keep-"));
  places = await openPlaces(folder);
  reports.length = 0;
});

afterEach(async () => {
  await kept?.stop();
  await rm(folder, { recursive: true });
});

const keep = (script: string): KeptProgram =>
  keepRunning(
    "worker",
    async () => ({ name: "worker", command: ["/bin/sh", "-c", script], environment: process.env, cwd: folder }),
    { places, report: (line) => reports.push(line) },
  );
const findPid = async (): Promise<number | undefined> => (await findRecorded(recordFile(places, "worker")))?.pid;
const requirePid = async (): Promise<number> => {
  await expect.poll(findPid).toBeGreaterThan(0);
  const pid = await findPid();
  // Process 0 would be this one's whole group.
  if (pid === undefined) throw new Error("the program does not run");
  return pid;
};
const readLog = (): Promise<string> => readFile(logFile(places, "worker"), "utf8").catch(() => "");

test("a program that is killed comes back, as another process, with its log going on", async () => {
  kept = keep("echo up; exec sleep 1000");
  await expect.poll(readLog).toBe("up\n");
  const first = await requirePid();
  process.kill(first, "SIGKILL");
  await expect.poll(readLog).toBe("up\nup\n");
  expect(await requirePid()).not.toBe(first);
  expect(reports).toEqual([expect.stringContaining("worker ended by SIGKILL; it is started again in 250 ms")]);
});

test("a program that can't last is tried again after pauses that grow", async () => {
  kept = keep("exit 3");
  await expect.poll(() => reports.length, { timeout: 5_000 }).toBe(3);
  expect(reports.map((line) => /with code 3; .* in (\d+) ms/.exec(line)?.[1])).toEqual(["250", "500", "1000"]);
});

test("a program that was stopped stays so", async () => {
  kept = keep("echo up; exec sleep 1000");
  await requirePid();
  await kept.stop();
  expect(await findPid()).toBeUndefined();
  expect(reports).toEqual([]);
});

test("a log that has grown large is put aside, and the one before it goes", async () => {
  const file = join(folder, "large.log");
  await writeFile(file, Buffer.alloc(20 * 1024 * 1024 + 1));
  openLog(file);
  expect((await readFile(file)).length).toBe(0);
  expect((await readFile(`${file}.old`)).length).toBe(20 * 1024 * 1024 + 1);
});
