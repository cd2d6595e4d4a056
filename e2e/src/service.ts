import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient } from "@pilothouse/contract";
import { workerNodeFlags } from "@pilothouse/worker";
import { z } from "zod";
import type { Ground } from "./ground.ts";

const root = resolve(import.meta.dirname, "../..");
const nextCommand = join(root, "node_modules/next/dist/bin/next");

/** A program of the service that runs. */
export interface ServiceProcess {
  pid: number;
  signal: (signal: NodeJS.Signals) => void;
  /** Ends it with SIGTERM, and waits until it has. */
  stop: () => Promise<void>;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** A worker that runs. */
export interface WorkerProcess extends ServiceProcess {
  healthUrl: string;
  /** Lines of its standard output so far, each with the time at which it came, in milliseconds of `performance.now()`. */
  lines: { atMs: number; text: string }[];
}

interface WorkerOptions {
  program?: string;
  environment?: Record<string, string>;
  /** Don't wait until it is ready. */
  detached?: boolean;
}

/** The whole service, as separate programs on this machine. */
export interface Service {
  baseUrl: string;
  /** Where database, keys and logs are kept. */
  home: string;
  /** With the platform's first key. */
  platform: Client;
  /** A client with another key. */
  connect: (apiKey: string) => Client;
  /** URLs of the database, by role. */
  databaseUrls: { migrator: string; web: string; worker: string };
  /** Of the worker that was started first. */
  workerHealthUrl: string;
  /** @param options.program another worker program; @param options.environment what it is told beside a worker's own */
  startWorker: (name: string, options?: WorkerOptions) => Promise<WorkerProcess>;
  worker: ServiceProcess;
  web: ServiceProcess;
  /** Starts the web server again, which has ended, at the same address. */
  startWeb: () => Promise<void>;
  stopDatabase: () => Promise<void>;
  startDatabase: () => Promise<void>;
  logsFolder: string;
  stop: () => Promise<void>;
}

export interface ServiceOptions {
  ground: Ground;
  /** Where database, keys and logs are kept. */
  home: string;
  environment: NodeJS.ProcessEnv;
  redisUrl?: string;
  /** Ctrl-C at a terminal does not reach its programs: whoever started it ends them. */
  inOwnGroup?: boolean;
  /** What clients send their requests with, in place of the usual `fetch`. */
  fetch?: typeof fetch;
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

interface Program {
  name: string;
  command: string[];
  environment: NodeJS.ProcessEnv;
  logsFolder: string;
  cwd?: string;
  /** In a process group of its own. */
  inOwnGroup?: boolean;
}

/** Starts a program whose output goes to a log of its own, and ends with this process. */
function startProgram({
  name,
  command,
  environment,
  logsFolder,
  cwd,
  inOwnGroup = false,
}: Program): ServiceProcess & { child: ChildProcess } {
  const [file = "", ...parameters] = command;
  const child = spawn(file, parameters, {
    env: environment,
    cwd: cwd ?? root,
    stdio: ["ignore", "pipe", "pipe"],
    detached: inOwnGroup,
  });
  const log = createWriteStream(join(logsFolder, `${name}.log`), { flags: "a" });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const killAtExit = (): void => {
    if (!inOwnGroup || child.pid === undefined) return void child.kill("SIGKILL");
    try {
      // With what it started, as Ctrl-C does not reach that.
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended just now.
    }
  };
  process.once("exit", killAtExit);
  const ended = once(child, "close").then(() => {
    process.off("exit", killAtExit);
    return { code: child.exitCode, signal: child.signalCode };
  });
  return {
    child,
    pid: child.pid ?? 0,
    signal: (signal) => void child.kill(signal),
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 30_000);
      await ended;
      clearTimeout(late);
    },
    ended,
  };
}

/** Waits until a URL answers 200. */
async function waitForAnswer(url: string, program: ServiceProcess, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  let isOver = false;
  void program.ended.then(() => (isOver = true));
  for (;;) {
    const isUp = await fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.ok,
      () => false,
    );
    if (isUp) return;
    if (isOver) throw new Error(`the program behind ${url} ended; see its log`);
    if (performance.now() > deadlineMs) throw new Error(`${url} does not answer after ${timeoutMs} ms`);
    await sleep(100);
  }
}

async function runOnce(command: string[], environment: NodeJS.ProcessEnv, cwd: string): Promise<string> {
  const [file = "", ...parameters] = command;
  const child = spawn(file, parameters, { env: environment, cwd, stdio: ["ignore", "pipe", "pipe"] });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  await once(child, "close");
  if (child.exitCode !== 0) {
    throw new Error(
      `${command.join(" ")} ended with ${child.exitCode}: ${Buffer.concat([...output, ...errors]).toString("utf8")}`,
    );
  }
  return Buffer.concat(output).toString("utf8").trim();
}

/** What the worker is told of the provider: the fleet's own DNS and addresses. */
async function writeProvider(ground: Ground, home: string): Promise<string> {
  const { provider, status } = ground;
  const { records } = status.dns;
  const file = join(home, "provider.json");
  const { authorityFile, ...rest } = records;
  await writeFile(
    file,
    JSON.stringify({ ...provider, dns: { kind: "coredns-etcd", ...rest, certificateAuthorityFile: authorityFile } }),
    { mode: 0o600 },
  );
  return file;
}

const UrlsSchema = z.object({ migrator: z.string(), web: z.string(), worker: z.string() });

/** Builds the web application, unless it is built already. */
export async function buildWeb(environment: NodeJS.ProcessEnv): Promise<void> {
  await runOnce([process.execPath, join(root, "scripts/build-web.ts")], environment, root);
}

/** Starts database, worker and web server, and makes the platform's first key. The web application must have been built. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { ground, home, redisUrl, inOwnGroup = false } = options;
  const logsFolder = join(home, "logs");
  await mkdir(logsFolder, { recursive: true });
  const environment = {
    ...options.environment,
    NODE_ENV: "production" as const,
    PILOTHOUSE_HOME: home,
    ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
  };
  const databaseCli = join(root, "packages/core/src/cli.ts");
  const startDatabase = async (): Promise<ServiceProcess> => {
    const program = startProgram({
      name: "database",
      command: [process.execPath, databaseCli, "serve"],
      environment,
      logsFolder,
      inOwnGroup,
    });
    const lines = createInterface({ input: program.child.stdout ?? process.stdin });
    const ready = (async () => {
      for await (const line of lines) if (line.startsWith("ready")) return true;
      return false;
    })();
    if (!(await ready)) throw new Error(`the database did not start; see ${logsFolder}`);
    return program;
  };
  let database = await startDatabase();
  const databaseUrls = UrlsSchema.parse(JSON.parse(await readFile(join(home, "database.json"), "utf8")));
  const key = await runOnce([process.execPath, databaseCli, "create-platform-key"], environment, root);
  const providerFile = await writeProvider(ground, home);

  const startWorker: Service["startWorker"] = async (name, more = {}) => {
    const port = await findFreePort();
    const program = startProgram({
      name: `worker-${name}`,
      command: [process.execPath, ...workerNodeFlags, more.program ?? join(root, "apps/worker/src/main.ts")],
      environment: {
        ...environment,
        ...more.environment,
        DATABASE_URL: databaseUrls.worker,
        PILOTHOUSE_PROVIDER: providerFile,
        PILOTHOUSE_SEALING_KEYS: join(home, "sealing-keys"),
        PORT: String(port),
      },
      logsFolder,
      inOwnGroup,
    });
    const healthUrl = `http://127.0.0.1:${port}`;
    const lines: WorkerProcess["lines"] = [];
    createInterface({ input: program.child.stdout ?? process.stdin }).on("line", (text) =>
      lines.push({ atMs: performance.now(), text }),
    );
    if (more.detached !== true) await waitForAnswer(`${healthUrl}/readyz`, program, 30_000);
    return { ...program, healthUrl, lines };
  };
  const worker = await startWorker("1");
  const port = await findFreePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const webEnvironment = {
    ...environment,
    DATABASE_URL: databaseUrls.web,
    PILOTHOUSE_PROVIDER: providerFile,
    PILOTHOUSE_URL: baseUrl,
    PILOTHOUSE_SESSION_SECRET: randomBytes(32).toString("hex"),
  };
  const startWeb = async (): Promise<ServiceProcess> => {
    const program = startProgram({
      name: "web",
      command: [process.execPath, nextCommand, "start", "--port", String(port), "--hostname", "127.0.0.1"],
      environment: webEnvironment,
      logsFolder,
      cwd: join(root, "apps/web"),
      inOwnGroup,
    });
    await waitForAnswer(`${baseUrl}/readyz`, program, 60_000);
    return program;
  };
  let web = await startWeb();
  const connect = (apiKey: string): Client =>
    createClient({ baseUrl, apiKey, ...(options.fetch === undefined ? {} : { fetch: options.fetch }) });
  return {
    baseUrl,
    home,
    platform: connect(key),
    connect,
    databaseUrls,
    workerHealthUrl: worker.healthUrl,
    startWorker,
    worker,
    get web() {
      return web;
    },
    async startWeb() {
      web = await startWeb();
    },
    logsFolder,
    stopDatabase: () => database.stop(),
    async startDatabase() {
      database = await startDatabase();
    },
    async stop() {
      await Promise.all([web.stop(), worker.stop()]);
      await database.stop();
    },
  };
}
