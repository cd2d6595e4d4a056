import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Client, createClient, operations } from "@pilothouse/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { signInByHand } from "../src/portal/people.ts";
import {
  compareSnapshots,
  type MachineSnapshot,
  type SnapshotView,
  takeSnapshot,
  waitForSameMachine,
} from "./support/machine-snapshot.ts";
import { testFleet } from "./support/test-fleet.ts";

const cli = resolve(import.meta.dirname, "../../apps/launcher/src/cli.ts");
const topology = join(import.meta.dirname, "support/up-topology.yaml");
const up = ["up", "--detach", "--topology", topology];

const credentialsSchema = z.strictObject({
  url: z.string(),
  adminApiKey: z.string().min(32),
  tenant: z.string(),
  tenantApiKey: z.string().min(32),
  email: z.string(),
  password: z.string().min(20),
  cluster: z.string(),
  controlPlane: z.string(),
});
const recordSchema = z.object({ pid: z.int() });

let home: string;
/** Other tests may be at work with the fleet that they share. */
let view: SnapshotView;
let before: MachineSnapshot;

interface Ran {
  code: number | null;
  output: string;
  durationMs: number;
}

/** Runs a command of the launcher to its end. */
async function launch(parameters: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [cli, ...parameters], {
    env: { ...process.env, PILOTHOUSE_HOME: home, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (piece: string) => (output += piece));
  const [code] = z
    .tuple([z.int().nullable()])
    .rest(z.unknown())
    .parse(await once(child, "close"));
  return { code, output, durationMs: performance.now() - startedMs };
}

async function expectUp(more: readonly string[] = []): Promise<Ran> {
  const ran = await launch([...up, ...more]);
  expect([ran.code, ran.output]).toEqual([0, expect.stringContaining("Everything is up.")]);
  return ran;
}

const readCredentials = async () =>
  credentialsSchema.parse(JSON.parse(await readFile(join(home, "credentials.json"), "utf8")));

const readPid = async (name: string): Promise<number> =>
  recordSchema.parse(JSON.parse(await readFile(join(home, "run", `${name}.json`), "utf8"))).pid;

async function connect(): Promise<{ tenant: string; client: Client }> {
  const { url, tenant, tenantApiKey } = await readCredentials();
  return { tenant, client: createClient({ baseUrl: url, apiKey: tenantApiKey }) };
}

async function readControlPlane() {
  const { tenant, client } = await connect();
  const { controlPlane } = await readCredentials();
  return (await client.call(operations.getControlPlane, { params: { tenant, controlPlane } })).body;
}

/** All processes that this installation has started and that are no fleet's, wherever they are in the tree. */
async function listStarted(): Promise<number[]> {
  const pids = (await readdir("/proc")).map(Number).filter((pid) => Number.isInteger(pid) && pid !== process.pid);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [environment, command] = await Promise.all(
        ["environ", "cmdline"].map((file) => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "")),
      );
      const isOurs =
        environment?.split("\0").includes(`PILOTHOUSE_HOME=${home}`) === true || command?.includes(home) === true;
      return isOurs && command !== "" ? [pid] : [];
    }),
  );
  return found.flat();
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "pilothouse-up-"));
  // Postgres runs as a user of its own, who has to come to its folder in here.
  await chmod(home, 0o711);
  view = { home, neighbour: testFleet.name };
  before = await takeSnapshot(view);
});

afterAll(async () => {
  await launch(["down", "--erase"]);
  await rm(home, { recursive: true, force: true });
});

test("what is missing is said before anything is started", async () => {
  const bare = await launch(["up", "--no-fleet", "--detach"]);
  expect([bare.code, bare.output]).toEqual([1, expect.stringContaining("PILOTHOUSE_PROVIDER must name a JSON file")]);
  const without = await launch(up, { PATH: "/nowhere" });
  expect([without.code, without.output]).toEqual([1, expect.stringContaining("apt-get install")]);
  expect((await launch(["up", "--port", "x"])).output).toContain("--port x is no port");
  expect(await listStarted()).toEqual([]);
  expect((await launch(["status"])).output).toContain("Nothing is up. Bring it up: npm run up");
});

test("up ends with a Ready control plane, its credentials in a file of its owner's; a second one at the same time is refused", async () => {
  const running = expectUp();
  await expect.poll(async () => (await launch(["status"])).output, { timeout: 60_000 }).toMatch(/^runs +keeper/m);
  const second = await launch(up);
  expect([second.code, second.output]).toEqual([1, expect.stringMatching(/Process \d+ brings this installation up/)]);
  const { output } = await running;
  const credentials = await readCredentials();
  expect(output).toContain(`Portal      ${credentials.url}`);
  for (const secret of [credentials.adminApiKey, credentials.tenantApiKey, credentials.password])
    expect(output).not.toContain(secret);
  for (const file of ["credentials.json", "portal.json", "database.json", "provider.json"])
    expect([file, ((await stat(join(home, file))).mode & 0o777).toString(8)]).toEqual([file, "600"]);
  expect(await readControlPlane()).toMatchObject({ phase: "Ready", cluster: credentials.cluster });
  const { client } = await connect();
  expect((await client.call(operations.getSetup, {})).body).toMatchObject({ state: "ready" });
  const { body: me } = await client.call(operations.whoAmI, {});
  expect(me).toMatchObject({ isPlatform: false, tenants: [{ name: credentials.tenant, role: "owner" }] });
  const send = await signInByHand(credentials.url, credentials);
  expect(await (await send("/api/v1/me")).json()).toMatchObject({ isPlatform: true, tenants: [{ role: "owner" }] });
  const admin = createClient({ baseUrl: credentials.url, apiKey: credentials.adminApiKey });
  const { body: istiodClusters } = await admin.call(operations.listIstiodClusters, { query: {} });
  expect(istiodClusters.items.map(({ name }) => name)).toEqual(["istiod-eu-1-b"]);
  expect((await fetch(`${credentials.url}/sign-in`)).status).toBe(200);
  expect((await launch(["status"])).code).toBe(0);
});

test("no secret is in a log or in an argument", async () => {
  const { adminApiKey, tenantApiKey, password } = await readCredentials();
  const logs = (await readdir(join(home, "logs"))).map((name) => join(home, "logs", name));
  const commands = (await listStarted()).map((pid) => `/proc/${pid}/cmdline`);
  for (const file of [...logs, ...commands]) {
    const text = await readFile(file, "utf8").catch(() => "");
    for (const secret of [adminApiKey, tenantApiKey, password])
      expect([file, text.includes(secret)]).toEqual([file, false]);
  }
});

test("an up again changes nothing that runs, and makes no new credentials", async () => {
  const pids = () => Promise.all(["keeper", "database", "web", "worker"].map(readPid));
  const [credentials, running] = [await readCredentials(), await pids()];
  const { durationMs } = await expectUp();
  expect(durationMs).toBeLessThan(60_000);
  expect([await readCredentials(), await pids()]).toEqual([credentials, running]);
});

test.each(["web", "worker", "database"])("%s comes back when it is killed", async (name) => {
  const pid = await readPid(name);
  process.kill(pid, "SIGKILL");
  await expect.poll(() => readPid(name), { timeout: 10_000 }).not.toBe(pid);
  const { url } = await readCredentials();
  await expect
    .poll(
      () =>
        fetch(`${url}/readyz`).then(
          (response) => response.status,
          () => 0,
        ),
      { timeout: 30_000 },
    )
    .toBe(200);
  await expect.poll(async () => (await readControlPlane()).phase, { timeout: 60_000 }).toBe("Ready");
});

test("a Postgres that is killed comes back, though the program that started it lives", async () => {
  const readServer = async (): Promise<string> =>
    (await readFile(join(home, "postgres/postmaster.pid"), "utf8").catch(() => "")).split("\n")[0] ?? "";
  const server = await readServer();
  process.kill(z.coerce.number().int().min(2).parse(server), "SIGKILL");
  await expect.poll(readServer, { timeout: 20_000 }).not.toBe(server);
  await expect.poll(async () => (await readControlPlane()).phase, { timeout: 60_000 }).toBe("Ready");
});

test("after everything was killed, also what lives in the fleet, up goes on with the same data", async () => {
  const { id } = await readControlPlane();
  const credentials = await readCredentials();
  for (const pid of await listStarted()) process.kill(pid, "SIGKILL");
  await expectUp();
  expect(await readControlPlane()).toMatchObject({ id, phase: "Ready" });
  expect(await readCredentials()).toEqual(credentials);
});

test("down ends everything and leaves the machine as it was; data stays for the next up", async () => {
  const { id } = await readControlPlane();
  const { code } = await launch(["down"]);
  expect(code).toBe(0);
  expect(await listStarted()).toEqual([]);
  expect(await waitForSameMachine(before, compareSnapshots, view)).toEqual({});
  expect((await launch(["status"])).code).toBe(3);
  // Down again has nothing to do.
  expect((await launch(["down"])).code).toBe(0);

  // What another start of the machine may have left: records of processes whose ids others have now.
  const stale = { pid: process.pid, startTicks: "1", bootId: "before", startedAt: "2026-11-23T08:00:00.000Z" };
  for (const name of ["keeper", "web", "worker", "database", "up"])
    await writeFile(join(home, "run", `${name}.json`), JSON.stringify(stale));
  const { url } = await readCredentials();
  const port = Number(new URL(url).port);
  const other = createServer().listen(port, "127.0.0.1");
  await once(other, "listening");
  const taken = await launch(up);
  expect([taken.code, taken.output]).toEqual([1, expect.stringContaining(`Port ${port} is taken by another program`)]);
  const databasePort = Number(
    new URL(z.object({ web: z.string() }).parse(JSON.parse(await readFile(join(home, "database.json"), "utf8"))).web)
      .port,
  );
  const otherDatabase = createServer().listen(databasePort, "127.0.0.1");
  await once(otherDatabase, "listening");
  other.close();
  try {
    const { durationMs } = await expectUp();
    expect(durationMs).toBeLessThan(120_000);
  } finally {
    otherDatabase.close();
  }
  expect(await readControlPlane()).toMatchObject({ id, phase: "Ready" });
});

test("without --detach it stays, and ends everything when it is told to end", async () => {
  const child = spawn(process.execPath, [cli, "up", "--topology", topology], {
    env: { ...process.env, PILOTHOUSE_HOME: home },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (output += piece));
  await expect.poll(() => output, { timeout: 120_000 }).toContain("Ctrl-C ends everything");
  child.kill("SIGINT");
  expect(await once(child, "close")).toEqual([0, null]);
  expect(await listStarted()).toEqual([]);
  expect(await waitForSameMachine(before, compareSnapshots, view)).toEqual({});
});

test("down --erase removes what was made", async () => {
  expect((await launch(["down", "--erase"])).code).toBe(0);
  expect((await readdir(home)).filter((name) => name !== "fleets")).toEqual([]);
  expect(await readdir(join(home, "fleets"))).toEqual([]);
});
