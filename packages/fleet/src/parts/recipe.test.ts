import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadManifest, toolchainFolder } from "./manifest.ts";
import type { Part } from "./manifest.ts";
import { hashRecipe, sortKeys } from "./recipe.ts";

let folder: string;
let pause: Part;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pilothouse-recipe-"));
  await cp(join(toolchainFolder, "pause"), join(folder, "pause"), { recursive: true });
  const found = (await loadManifest()).parts.find((part) => part.name === "pause");
  if (found === undefined) throw new Error("the manifest has no pause");
  pause = found;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("the same recipe has the same hash, wherever it is used in the fleet", async () => {
  const hash = await hashRecipe(pause, folder);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  expect(await hashRecipe({ ...pause, stage: 9, licence: "MIT", binFolders: ["bin"] }, folder)).toBe(hash);
  expect(await hashRecipe(pause, toolchainFolder)).toBe(hash);
});

test("another stamp, another path and another source file each have another hash", async () => {
  const hash = await hashRecipe(pause, folder);
  const source = { kind: "go", toolchain: "pause", package: ".", stamps: { "main.version": "2" } } as const;
  expect(await hashRecipe({ ...pause, source }, folder)).not.toBe(hash);
  expect(await hashRecipe({ ...pause, outputs: { pause: "sbin/pause" } }, folder)).not.toBe(hash);
  await writeFile(join(folder, "pause", "extra.go"), "package main\n");
  expect(await hashRecipe(pause, folder)).not.toBe(hash);
});

test("the order of keys does not count, the order of lists does", () => {
  const text = (data: unknown): string => JSON.stringify(sortKeys(data));
  expect(text({ a: 1, b: { d: [1, 2], c: 3 } })).toBe(text({ b: { c: 3, d: [1, 2] }, a: 1 }));
  expect(text({ a: [1, 2] })).not.toBe(text({ a: [2, 1] }));
});
