import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";

const cli = resolve(import.meta.dirname, "../src/cli.ts");

let home: string;
const started: ChildProcess[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "pilothouse-serve-"));
  // As root the server runs as another user, who has to get in.
  await chmod(home, 0o711);
});

afterAll(async () => {
  for (const child of started) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGTERM");
    await once(child, "close");
  }
  await rm(home, { recursive: true, force: true });
});

/** Starts the embedded database as a program, and waits until it is ready. */
async function serve(at = home): Promise<ChildProcess> {
  const child = spawn(process.execPath, [cli, "serve"], {
    env: { ...process.env, PILOTHOUSE_HOME: at },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (piece: string) => (said += piece));
  await expect.poll(() => said, { timeout: 40_000 }).toMatch(/^ready on/m);
  return child;
}

const readUrl = async (at = home): Promise<string> =>
  z.object({ migrator: z.string() }).parse(JSON.parse(await readFile(join(at, "database.json"), "utf8"))).migrator;

const readServer = async (at = home): Promise<number> =>
  z.coerce
    .number()
    .int()
    .min(2)
    .parse((await readFile(join(at, "postgres/postmaster.pid"), "utf8")).split("\n")[0]);

async function query(sql: string, at = home): Promise<unknown[]> {
  const client = new Client({ connectionString: await readUrl(at) });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test("data that was half made when somebody was killed is made anew", async () => {
  await mkdir(join(home, "postgres.new"));
  await writeFile(join(home, "postgres.new/PG_VERSION"), "18\n");
  await serve();
  await query("CREATE TABLE kept (word text)");
  await query("INSERT INTO kept VALUES ('here')");
  expect((await stat(join(home, "database.json"))).mode & 0o777).toBe(0o600);
});

test("a server whose program was killed is ended, and its data goes on under another", async () => {
  const [program, server] = [started.at(-1), await readServer()];
  program?.kill("SIGKILL");
  await expect.poll(() => program?.signalCode).toBe("SIGKILL");
  await serve();
  expect(await readServer()).not.toBe(server);
  expect(await query("SELECT word FROM kept")).toEqual([{ word: "here" }]);
});

test("a program whose server was killed ends with an error", async () => {
  const program = started.at(-1);
  process.kill(await readServer(), "SIGKILL");
  await expect.poll(() => program?.exitCode, { timeout: 20_000 }).toBe(1);
});

test("where somebody else has taken the port, it takes another one", async () => {
  const url = new URL(await readUrl());
  const other = createServer().listen(Number(url.port), "127.0.0.1");
  await once(other, "listening");
  try {
    await serve();
    const moved = new URL(await readUrl());
    expect([moved.port === url.port, moved.password]).toEqual([false, url.password]);
    expect(await query("SELECT word FROM kept")).toEqual([{ word: "here" }]);
  } finally {
    other.close();
  }
});

test("in a folder that nobody else can pass through it serves, too, and leaves no trace of how", async () => {
  const hidden = join(home, "hidden");
  await mkdir(hidden, { mode: 0o700 });
  const inner = join(hidden, "inner");
  const mounts = await readFile("/proc/self/mountinfo", "utf8");
  const first = await serve(inner);
  await query("CREATE TABLE kept AS SELECT 'here' AS word", inner);
  const server = await readServer(inner);
  // Nobody's rights are more than they were: the server is not root, as whom this test may run.
  expect((await stat(`/proc/${server}`)).uid).not.toBe(0);
  expect((await stat(hidden)).mode & 0o777).toBe(0o700);
  expect(await readFile("/proc/self/mountinfo", "utf8")).toBe(mounts);

  first.kill("SIGKILL");
  await expect.poll(() => first.signalCode).toBe("SIGKILL");
  const second = await serve(inner);
  expect(await readServer(inner)).not.toBe(server);
  expect(await query("SELECT word FROM kept", inner)).toEqual([{ word: "here" }]);
  second.kill("SIGTERM");
  expect(await once(second, "close")).toEqual([0, null]);
  await expect(readServer(inner)).rejects.toThrow("ENOENT");

  // What was made in one way goes on in the other.
  await chmod(hidden, 0o711);
  const third = await serve(inner);
  expect(await query("SELECT word FROM kept", inner)).toEqual([{ word: "here" }]);
  third.kill("SIGTERM");
  await once(third, "close");
});
