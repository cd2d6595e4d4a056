import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import {
  compareSnapshots,
  type MachineSnapshot,
  takeSnapshot,
  waitForSameMachine,
} from "../support/machine-snapshot.ts";
import { copyRepository, type RepositoryCopy } from "../support/repository-copy.ts";
import { freshEnvironment, openTerminal, type Terminal } from "../support/terminal.ts";

const blocksSchema = z.array(z.object({ name: z.string().optional(), text: z.string() }));

/** What the documents promise of an `up` whose programs are built, in milliseconds. */
const warmLimitMs = 120_000;

let copy: RepositoryCopy;
let terminal: Terminal;
let before: MachineSnapshot;
/** The commands of README and guide by their names. */
const commands = new Map<string, string>();
const ran = new Set<string>();

const find = (name: string): string => {
  const found = commands.get(name);
  if (found === undefined) throw new Error(`no document has commands that are called ${name}`);
  ran.add(name);
  return found;
};

const run = (name: string): Promise<string> => terminal.run(find(name));

beforeAll(async () => {
  copy = await copyRepository();
  before = await takeSnapshot({ home: copy.folder });
  const documents = ["README.md", ...globSync("docs/guide/*.md", { cwd: copy.folder })];
  const list = ["scripts/list-commands.ts", ...documents];
  const { stdout } = await promisify(execFile)(process.execPath, list, { cwd: copy.folder });
  for (const { name, text } of blocksSchema.parse(JSON.parse(stdout))) {
    if (name === undefined) continue;
    if (commands.has(name)) throw new Error(`two blocks of commands are called ${name}`);
    commands.set(name, text);
  }
  terminal = openTerminal(copy.folder, process.env);
});

afterAll(async () => {
  await terminal.close();
  const last = openTerminal(copy.folder, process.env);
  await last.run("npm run down -- --erase\n");
  await last.close();
  await copy.remove();
});

test("up comes to a Ready control plane, with credentials for its owner alone", async () => {
  const startedMs = performance.now();
  const said = await run("up");
  expect(performance.now() - startedMs).toBeLessThan(warmLimitMs);
  expect(said).toContain("Everything is up.");
  expect(said).toMatch(/^runs +worker/m);
  expect(said).toContain("Control plane Ready");
  const { mode } = await stat(join(copy.folder, ".pilothouse/credentials.json"));
  expect((mode & 0o777).toString(8)).toBe("600");
  expect(await run("ask")).toContain('"phase":"Ready"');
});

test("a tenant connects a cluster, orders a control plane, and lets workloads in", async () => {
  expect(await run("tenant-begin")).toContain('"tenants":[{"name":"demo"');
  expect(await run("tenant-invite")).toMatch(/"token":"[^"]{20,}"/);
  expect(await run("tenant-connect")).toContain('"phase":"Connected"');
  const created = await run("tenant-create");
  expect(created).toContain('"kind":"control-plane.create"');
  expect(created).toContain('"phase":"Ready"');
  expect(await run("tenant-label")).toContain("name: istio-proxy");
  const read = await run("tenant-read");
  for (const name of ["admission", "injection", "certificate", "discovery"])
    expect(read).toContain(`"name":"${name}","verdict":"proven"`);
  // Near its API server, though the other one of this line has more room.
  expect(read).toContain('"istiodCluster":"istiod-eu-1-b","namespace":');
});

test("a tenant changes, follows and deletes it, and leaves no key", async () => {
  expect(await run("tenant-change")).toContain('"replicas":2');
  const activity = await run("tenant-activity");
  expect(activity).toContain('"kind":"control-plane.change"');
  expect(activity).toContain('"verb":"createControlPlane"');
  const stream = await run("tenant-stream");
  expect(stream).toMatch(/^event: control-plane\.created$/m);
  expect(stream).toMatch(/^data: \{"object":/m);
  expect(await run("tenant-keys")).toBe("");
  const deleted = await run("tenant-delete");
  expect(deleted).toContain('"kind":"control-plane.delete"');
  expect(deleted).toContain('"kind":"cluster.disconnect"');
});

test("an operator sees the fleet, takes an istiod cluster out and in, and adds versions and tenants", async () => {
  expect(await run("operator-begin")).toContain('"name":"istiod-us-1-a"');
  const seen = await run("operator-see");
  expect(seen).toContain('"candidates":[');
  expect(seen).toContain('"istiodCluster":"istiod-eu-1-b","region":"eu-1","line":"1.32","points":[');
  expect(await run("operator-close")).toContain('"schedulable":false');
  await run("operator-remove");
  expect(await run("operator-add")).toContain('"healthy":true');
  expect(await run("operator-region")).toContain('"name":"seed-eu-2"');
  expect(await run("operator-version")).toContain('"state":"withdrawn"');
  const tenant = await run("operator-tenant");
  expect(tenant).toContain('"limits":{"clusters":100,"controlPlanes":10,');
  expect(tenant).toContain('"isOperator":true');
  expect(await run("operator-work")).toMatch(/"workers":\[\{[\s\S]*objects are due now/);
  expect(await run("operator-keys")).toMatch(/\.key is there/);
});

test("after a backup, up goes on with the same data, stays, and ends everything when it is told to end", async () => {
  await run("operator-backup");
  expect((await stat(join(copy.folder, "backup.tar.gz"))).size).toBeGreaterThan(100_000);
  const child = spawn("bash", ["-e", "-c", find("stay")], {
    cwd: copy.folder,
    env: freshEnvironment(process.env),
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (said += piece));
  await expect.poll(() => said, { timeout: warmLimitMs }).toMatch(/^ {2}Portal +http/m);
  expect(await run("ask")).toContain('"name":"mesh"');
  // As a terminal does it: to all that are in front.
  process.kill(-(child.pid ?? 0), "SIGINT");
  await once(child, "close");
  expect(said).toContain("Ending everything.");
  expect(await terminal.run("npm run status || true\n")).toContain("Nothing is up.");
});

test("down leaves the machine as it was, and every command that is said to run has run", async () => {
  await run("down");
  expect(await waitForSameMachine(before, compareSnapshots, { home: copy.folder })).toEqual({});
  expect([...commands.keys()].filter((name) => !ran.has(name))).toEqual([]);
});
