import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runProgram } from "./run-program.ts";

let root = "";
let launcher = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "node-launcher-"));
  mkdirSync(join(root, "scripts"));
  launcher = join(root, "scripts", "node.mjs");
  copyFileSync(join(import.meta.dirname, "node.mjs"), launcher);
  const project = { name: "empty", version: "0.0.0" };
  writeFileSync(join(root, "package.json"), JSON.stringify(project));
  writeFileSync(join(root, "package-lock.json"), JSON.stringify({ ...project, lockfileVersion: 3, packages: {} }));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function launch(source: string, args: readonly string[] = []) {
  writeFileSync(join(root, "file.ts"), source);
  return runProgram(process.execPath, [launcher, "file.ts", ...args], {
    cwd: tmpdir(),
    env: process.env,
    capture: true,
  });
}

test("arguments, exit code and Node's own folder in PATH are passed on", { timeout: 60_000 }, async () => {
  const source = `
    const [folder]: string[] = (process.env.PATH ?? "").split(":");
    console.log(JSON.stringify([process.argv.slice(2), process.execPath === folder + "/node"]));
    process.exit(7);`;
  const { code, output } = await launch(source, ["a", "--b=c d"]);
  expect(code).toBe(7);
  expect(output.trimEnd().split("\n").at(-1)).toBe('[["a","--b=c d"],true]');
});

test("dependencies are installed once, and again when the lock file changes", { timeout: 120_000 }, async () => {
  const first = await launch("");
  expect(first.output).toContain("pilothouse: installing dependencies with `npm ci` (node_modules is missing)");
  expect(first.code).toBe(0);
  expect(await launch("")).toEqual({ code: 0, output: "" });

  const lockPath = join(root, "package-lock.json");
  writeFileSync(lockPath, `${readFileSync(lockPath, "utf8")}\n`);
  expect((await launch("")).output).toContain("(node_modules does not match package-lock.json)");
  expect(await launch("")).toEqual({ code: 0, output: "" });
});

test("the database client is generated once, and again when the schema changes", { timeout: 60_000 }, async () => {
  await launch("");
  mkdirSync(join(root, "prisma"));
  writeFileSync(join(root, "prisma", "schema.prisma"), "one");
  mkdirSync(join(root, "node_modules", "prisma", "build"), { recursive: true });
  writeFileSync(
    join(root, "node_modules", "prisma", "build", "index.js"),
    `const { existsSync, mkdirSync } = require("node:fs");
     if (!existsSync(process.env.PRISMA_SCHEMA_ENGINE_BINARY)) process.exit(3);
     mkdirSync("packages/core/src/generated", { recursive: true });
     process.exit(require("node:fs").readFileSync("prisma/schema.prisma", "utf8") === "broken" ? 4 : 0);`,
  );
  const generated = { code: 0, output: "pilothouse: generating the database client\n" };
  expect(await launch("")).toEqual(generated);
  expect(await launch("")).toEqual({ code: 0, output: "" });
  writeFileSync(join(root, "prisma", "schema.prisma"), "two");
  expect(await launch("")).toEqual(generated);
  writeFileSync(join(root, "prisma", "schema.prisma"), "broken");
  const { code, output } = await launch("console.log('ran')");
  expect({ code, ran: output.includes("ran") }).toEqual({ code: 1, ran: false });
  expect(output).toContain("`prisma generate` ended with code 4");
});

test("an install that fails says which command did, and is tried again", { timeout: 60_000 }, async () => {
  writeFileSync(join(root, "package.json"), JSON.stringify({ name: "empty", dependencies: { zod: "4.6.7" } }));
  for (const _ of [1, 2]) {
    const { code, output } = await launch("console.log('ran')");
    expect(code).toBe(1);
    expect(output).toMatch(/pilothouse: installing dependencies failed: `npm ci` ended with code 1/);
    expect(output).not.toContain("ran\n");
  }
});

test("a lock left by a killed install is taken over", { timeout: 60_000 }, async () => {
  const ended = spawn(process.execPath, ["-e", ""]);
  await new Promise((resolve) => ended.once("close", resolve));
  mkdirSync(join(root, ".pilothouse"));
  writeFileSync(join(root, ".pilothouse", "install.lock"), String(ended.pid));
  expect((await launch("console.log('ran')")).output).toContain("ran\n");
});

test("a file that does not exist is named", { timeout: 60_000 }, async () => {
  const { code, output } = await runProgram(process.execPath, [launcher, "gone.ts"], {
    cwd: tmpdir(),
    env: process.env,
    capture: true,
  });
  expect(code).toBe(1);
  expect(output).toContain("pilothouse: gone.ts does not exist");
});

test.each(["SIGINT", "SIGTERM"] as const)("%s reaches the file that runs", { timeout: 60_000 }, async (signal) => {
  writeFileSync(
    join(root, "file.ts"),
    `process.on("${signal}", () => { console.log("got it"); process.exit(5); });
     setInterval(() => {}, 1000);
     console.log("ready");`,
  );
  const child = spawn(process.execPath, [launcher, "file.ts"], { stdio: ["ignore", "pipe", "ignore"] });
  let output = "";
  const code = await new Promise((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
      if (chunk.includes("ready")) child.kill(signal);
    });
    child.once("close", resolve);
  });
  expect({ code, output }).toEqual({ code: 5, output: "ready\ngot it\n" });
});
