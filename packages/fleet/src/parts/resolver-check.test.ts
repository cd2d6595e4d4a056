import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkResolver } from "./resolver-check.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pilothouse-resolver-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a file and a link to one will do", async () => {
  const file = join(folder, "resolv.conf");
  await writeFile(file, "");
  await symlink("resolv.conf", join(folder, "link"));
  expect(await checkResolver(file)).toMatchObject({ ok: true });
  expect(await checkResolver(join(folder, "link"))).toMatchObject({ ok: true });
});

test("a missing file, a link to nothing and a folder are refused, and nothing is made", async () => {
  await symlink("../nowhere/stub.conf", join(folder, "dangling"));
  await mkdir(join(folder, "folder"));
  const before = (await readdir(folder)).toSorted();
  const look = async (name: string) => {
    const check = await checkResolver(join(folder, name));
    return [check.required, check.ok, check.found.replace(`${folder}/`, "")];
  };
  expect(await look("absent")).toEqual([true, false, "absent is missing"]);
  expect(await look("dangling")).toEqual([true, false, "dangling points to ../nowhere/stub.conf, which is not there"]);
  expect(await look("folder")).toEqual([true, false, "folder is no file"]);
  expect((await readdir(folder)).toSorted()).toEqual(before);
});
