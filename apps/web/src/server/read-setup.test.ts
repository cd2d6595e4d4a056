import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Setup } from "@pilothouse/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readSetup } from "./read-setup.ts";

const at = "2026-11-23T08:00:00.000Z";
const running: Setup = {
  state: "running",
  message: null,
  steps: [{ name: "fleet", label: "Fleet", state: "running", message: "etcd: ready", startedAt: at, finishedAt: null }],
  startedAt: at,
  updatedAt: at,
};

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pilothouse-setup-"));
  file = join(folder, "setup.json");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("where nobody says how far it is, nothing is claimed", async () => {
  expect((await readSetup(undefined, new Date(at))).state).toBe("none");
  expect((await readSetup(file, new Date(at))).state).toBe("none");
  await writeFile(file, '{"state": "ru');
  expect((await readSetup(file, new Date(at))).state).toBe("none");
});

test("progress is answered as it was written, until nobody writes it any more", async () => {
  await writeFile(file, JSON.stringify(running));
  expect(await readSetup(file, new Date("2026-11-23T08:00:19.000Z"))).toEqual(running);
  const later = await readSetup(file, new Date("2026-11-23T08:00:21.000Z"));
  expect(later).toMatchObject({ state: "interrupted", steps: running.steps });
  expect(later.message).toContain("npm run up");
});

test("what has ended stays as it ended, however long ago", async () => {
  const ready: Setup = { ...running, state: "ready" };
  await writeFile(file, JSON.stringify(ready));
  expect(await readSetup(file, new Date("2027-01-01T00:00:00.000Z"))).toEqual(ready);
});
