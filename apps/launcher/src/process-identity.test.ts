import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { endMarked, endProcesses, findRecorded, listMarked, markVariable, recordProcess } from "./process-identity.ts";

const recordSchema = z.object({ pid: z.int(), startTicks: z.string(), bootId: z.string() });

let folder: string;
let file: string;
let mark: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pilothouse-identity-"));
  file = join(folder, "program.json");
  mark = randomUUID();
});

afterEach(async () => {
  await endMarked(mark, 0);
  await rm(folder, { recursive: true });
});

/** Starts a shell command with the mark, and answers its process id once it says something. */
async function start(script: string): Promise<number> {
  const child = spawn("/bin/sh", ["-c", script], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, [markVariable]: mark },
    detached: true,
  });
  await once(child.stdout, "data");
  return child.pid ?? 0;
}

test("a process is found by what was written down, until it ends", async () => {
  const pid = await start("echo up; exec sleep 1000");
  await recordProcess(file, pid, "a version");
  const found = await findRecorded(file);
  expect(found).toMatchObject({ pid, version: "a version" });
  await endProcesses(found === undefined ? [] : [found], 5_000);
  expect(await findRecorded(file)).toBeUndefined();
});

test.each([
  ["startTicks", "1"],
  ["bootId", "of another start of the machine"],
])("another process of the same id, by its %s, is not taken for it and not ended", async (field, value) => {
  const pid = await start("echo up; exec sleep 1000");
  await recordProcess(file, pid);
  const stale = recordSchema.parse({ ...recordSchema.parse(JSON.parse(await readFile(file, "utf8"))), [field]: value });
  await writeFile(file, JSON.stringify(stale));
  expect(await findRecorded(file)).toBeUndefined();
  await endProcesses([stale], 100);
  expect((await listMarked(mark)).map((one) => one.pid)).toEqual([pid]);
});

test("no file, half a file and nonsense tell of no process", async () => {
  expect(await findRecorded(file)).toBeUndefined();
  await writeFile(file, '{"pid": 1');
  expect(await findRecorded(file)).toBeUndefined();
});

test("what does not end when it is asked to is killed", async () => {
  const pid = await start("trap '' TERM; echo up; while :; do sleep 0.05; done");
  await recordProcess(file, pid);
  const found = await findRecorded(file);
  await endProcesses(found === undefined ? [] : [found], 200);
  expect(await findRecorded(file)).toBeUndefined();
});

test("what has lost its parent is found by its mark, and ended with all that it has started", async () => {
  const pid = await start("(sleep 1000 & sleep 1000 & wait) & echo up; wait");
  process.kill(pid, "SIGKILL");
  await expect.poll(async () => (await listMarked(mark)).length).toBeGreaterThan(1);
  const ids = (await listMarked(mark)).map((one) => one.pid);
  expect(ids).not.toContain(process.pid);
  await endMarked(mark, 2_000);
  expect(await listMarked(mark)).toEqual([]);
});
