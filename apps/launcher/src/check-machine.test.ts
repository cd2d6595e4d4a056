import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkMachine, findImpassable, readDoctor } from "./check-machine.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pilothouse-check-"));
  await chmod(folder, 0o711);
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("the folder that others can't pass through is named, the nearest first", async () => {
  const inner = join(folder, "a/b");
  await mkdir(inner, { recursive: true });
  expect(await findImpassable(inner)).toBeUndefined();
  await chmod(join(folder, "a"), 0o700);
  expect(await findImpassable(inner)).toBe(join(folder, "a"));
});

test("what the fleet's doctor misses is told with what helps, and nothing else", () => {
  const output = [
    "ok       platform                       linux/amd64",
    "MISSING  root                           user 1000",
    "         needed: user 0, for network namespaces, mounts and cgroups. Run it as root.",
    "little   memory                         4096 MiB",
    "         needed: 5120 MiB. Add some.",
  ].join("\n");
  expect(readDoctor(output)).toEqual([
    "root: user 1000; needed: user 0, for network namespaces, mounts and cgroups. Run it as root.",
  ]);
  expect(readDoctor("ok       platform                       linux/amd64\n")).toEqual([]);
});

test("without a fleet somebody has to say where control planes are to be", async () => {
  const check = (provider?: string): Promise<string[]> =>
    checkMachine(folder, { fleet: undefined, ...(provider === undefined ? {} : { provider }) }, process.env);
  expect((await check()).join()).toContain("PILOTHOUSE_PROVIDER must name a JSON file");
  expect((await check(join(folder, "provider.json"))).join()).toContain("which can't be read");
});
