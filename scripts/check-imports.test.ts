import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { checkImports, checkSource } from "./check-imports.ts";

test.each([
  [
    "packages/fleet/src/a.ts",
    'import { b } from "@pilothouse/provisioner";',
    "fleet may not import @pilothouse/provisioner",
  ],
  [
    "packages/provisioner/src/a.ts",
    'import { b } from "@pilothouse/fleet";',
    "provisioner may not import @pilothouse/fleet",
  ],
  ["packages/provisioner/src/a.ts", 'import "../../fleet/src/index.ts";', "leaves packages/provisioner"],
  ["packages/fleet/src/a.ts", 'import "../../../scripts/list-files.ts";', "leaves packages/fleet"],
  ["scripts/a.ts", 'import "../packages/fleet/src/index.ts";', "leaves the root's scripts"],
  ["scripts/a.ts", 'import "../../elsewhere.ts";', "leaves the root's scripts"],
  ["scripts/a.ts", 'import "@pilothouse/fleet";', "a root script may not import @pilothouse/fleet"],
  ["e2e/src/a.ts", 'export * from "@pilothouse/fleet/src/up.ts";', "deep import"],
  ["e2e/src/a.ts", 'import type { KubeConfig } from "@kubernetes/client-node";', "only provisioner may"],
  ["e2e/src/a.ts", 'await import("@kubernetes/client-node/dist/config.js");', "only provisioner may"],
  ["e2e/src/a.ts", 'type A = import("@kubernetes/client-node").KubeConfig;', "only provisioner may"],
  ["e2e/src/a.ts", 'const a = require("bullmq");', "only core, worker may"],
  ["e2e/src/a.ts", "await import(name);", "computed specifier"],
  ["e2e/src/a.ts", 'import "/etc/a.ts";', "absolute path"],
  ["packages/contract/src/a.ts", 'import "yaml";', "contract may not import yaml"],
  ["packages/contract/src/a.ts", 'import "node:fs";', "contract may not import node:fs"],
  ["packages/unknown/src/a.ts", "", "belongs to no workspace"],
  ["packages/fleet/src/a.ts", "import {", "cannot be parsed"],
])("in %s, `%s` is refused", (path, source, problem) => {
  expect(checkSource(path, source)).toEqual([expect.stringContaining(problem)]);
});

test.each([
  ["packages/provisioner/src/kube/a.ts", 'import { a } from "../errors.ts"; import "@kubernetes/client-node";'],
  ["packages/fleet/src/a.ts", 'import { readFile } from "node:fs/promises"; import { parse } from "yaml";'],
  ["e2e/src/a.ts", 'import "@pilothouse/fleet"; import "@pilothouse/provisioner";'],
  ["vitest.config.ts", 'import { testSuites } from "./scripts/test-suites.ts";'],
  ["packages/contract/src/a.ts", 'import { z } from "zod"; import "zod/v4"; import "./b.ts";'],
])("in %s, `%s` is fine", (path, source) => {
  expect(checkSource(path, source)).toEqual([]);
});

test("a violation is reported with its line", () => {
  expect(checkSource("packages/fleet/src/a.ts", '\n\nimport "bullmq";')[0]).toMatch(/^packages\/fleet\/src\/a\.ts:3: /);
});

test("a check that sees too few files fails", () => {
  const empty = mkdtempSync(join(tmpdir(), "check-imports-"));
  expect(checkImports(empty)).toEqual([expect.stringMatching(/^only 0 source files found/)]);
  rmSync(empty, { recursive: true });
});

test("this repository has enough files to be checked", () => {
  expect(checkImports(dirname(import.meta.dirname)).join("\n")).not.toContain("source files found");
});
