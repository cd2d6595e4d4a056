import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { ensureImage } from "./images.ts";
import type { ImageRecipe } from "./images.ts";

let cache: string;
let program: string;
let recipe: ImageRecipe;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "pilothouse-images-"));
  program = join(cache, "program");
  await writeFile(program, "#!/bin/sh\nexit 0\n");
  recipe = {
    name: "docker.io/istio/pilot:1.32-dev",
    files: { "/usr/local/bin/pilot-discovery": program },
    entrypoint: ["/usr/local/bin/pilot-discovery"],
    user: "1337:1337",
    workingDir: "/",
  };
});
afterEach(() => rm(cache, { recursive: true, force: true }));

const ManifestSchema = z.tuple([
  z.object({ Config: z.string(), RepoTags: z.array(z.string()), Layers: z.tuple([z.string()]) }),
]);

async function readEntry(file: string, name: string): Promise<Buffer> {
  const { stdout } = await promisify(execFile)("tar", ["--extract", "--to-stdout", "--file", file, name], {
    encoding: "buffer",
    maxBuffer: 2 ** 24,
  });
  return stdout;
}

const hash = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

test("an image has one layer with the program, accounts and a writable /tmp, and its hashes agree", async () => {
  const file = await ensureImage({ cache, ...recipe });
  const [{ Config: configName, RepoTags: tags, Layers: layers }] = ManifestSchema.parse(
    JSON.parse((await readEntry(file, "manifest.json")).toString()),
  );
  expect(tags).toEqual([recipe.name]);
  const config = await readEntry(file, configName);
  const layer = await readEntry(file, layers[0]);
  expect(configName).toBe(`${hash(config)}.json`);
  expect(JSON.parse(config.toString())).toMatchObject({
    architecture: "amd64",
    config: { User: "1337:1337", Entrypoint: ["/usr/local/bin/pilot-discovery"], WorkingDir: "/" },
    rootfs: { type: "layers", diff_ids: [`sha256:${hash(layer)}`] },
  });
  const unpacked = join(cache, "layer.tar");
  await writeFile(unpacked, layer);
  const { stdout } = await promisify(execFile)("tar", ["--list", "--verbose", "--numeric-owner", "--file", unpacked]);
  const entries = stdout.trim().split("\n");
  expect(entries.map((line) => line.split(/ +/).slice(0, 2).concat(line.split(" ").slice(-1)).join(" "))).toEqual([
    "drwxr-xr-x 0/0 etc/",
    "drwxrwxrwt 0/0 tmp/",
    "drwxr-xr-x 0/0 usr/",
    "drwxr-xr-x 0/0 usr/local/",
    "drwxr-xr-x 0/0 usr/local/bin/",
    "-rw-r--r-- 0/0 etc/passwd",
    "-rw-r--r-- 0/0 etc/group",
    "-rw-r--r-- 0/0 etc/nsswitch.conf",
    "-rwxr-xr-x 0/0 usr/local/bin/pilot-discovery",
  ]);
  expect((await readEntry(unpacked, "etc/passwd")).toString()).toContain("app:x:1337:1337:");
});

test("the same content has the same bytes, and is kept", async () => {
  const file = await ensureImage({ cache, ...recipe });
  const first = await readFile(file);
  expect(await ensureImage({ cache, ...recipe })).toBe(file);
  await utimes(program, 1, 1);
  const again = await ensureImage({ cache, ...recipe });
  expect(again).not.toBe(file);
  expect(first.equals(await readFile(again))).toBe(true);
  expect(await readdir(join(cache, "work"))).toEqual([]);
});

test("another program or another user is another image", async () => {
  const files = new Set([await ensureImage({ cache, ...recipe })]);
  files.add(await ensureImage({ cache, ...recipe, user: "0:0" }));
  await writeFile(program, "#!/bin/sh\nexit 1234\n");
  files.add(await ensureImage({ cache, ...recipe }));
  expect(files.size).toBe(3);
});

test("a file that is not there is named, and no image is left", async () => {
  await rm(program);
  const made = ensureImage({ cache, ...recipe });
  await expect(made).rejects.toMatchObject({ code: "output-missing" });
  await expect(made).rejects.toThrow(program);
  expect(await readdir(cache)).toEqual([]);
});
