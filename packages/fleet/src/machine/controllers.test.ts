import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { enableRootControllers, returnRootControllers } from "./controllers.ts";

// A plain folder keeps what was last written, so it shows what the kernel would be asked for.
let root: string;
const control = (): Promise<string> => readFile(join(root, "cgroup.subtree_control"), "utf8");
const folders = async (): Promise<string[]> =>
  (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pilothouse-controllers-"));
  await writeFile(join(root, "cgroup.controllers"), "cpu memory pids\n");
  await writeFile(join(root, "cgroup.subtree_control"), "cpu memory\n");
});
afterEach(() => rm(root, { recursive: true, force: true }));

test("what was off is turned on and noted, and taken back when the last fleet is gone", async () => {
  await enableRootControllers(root);
  expect(await control()).toBe("+pids");
  for (const fleet of ["pilothouse-one-1", "pilothouse-two-2"]) await mkdir(join(root, fleet));
  await rm(join(root, "pilothouse-one-1"), { recursive: true });
  await returnRootControllers(root);
  expect(await control()).toBe("+pids");
  await rm(join(root, "pilothouse-two-2"), { recursive: true });
  await returnRootControllers(root);
  expect(await control()).toBe("-pids");
  expect(await folders()).toEqual([]);
});

test("what was on already is neither noted nor taken back", async () => {
  await writeFile(join(root, "cgroup.subtree_control"), "cpu memory pids\n");
  await enableRootControllers(root);
  await returnRootControllers(root);
  expect(await control()).toBe("cpu memory pids\n");
  expect(await folders()).toEqual([]);
});
