import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { ensurePlan, type FleetState, openState, wipeState, withFleetLock } from "./state.ts";
import type { Topology } from "./topology.ts";

async function makeHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), "fleet-state-"));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  return home;
}

const openTestState = async (): Promise<FleetState> => openState(await makeHome(), "test");

test("changes of one fleet wait for each other, also across a wipe", async () => {
  const state = await openTestState();
  let running = 0;
  const change = async (): Promise<void> => {
    running += 1;
    expect(running).toBe(1);
    await sleep(20);
    await wipeState(state);
    running -= 1;
  };
  await Promise.all([1, 2, 3].map(() => withFleetLock(state, 5_000, change)));
  expect(await readdir(join(state.folder, ".."))).toEqual([]);
});

test("a lock that is held for too long names its owner", async () => {
  const state = await openTestState();
  const held = Promise.withResolvers<void>();
  const first = withFleetLock(state, 1_000, () => held.promise);
  await sleep(50);
  const owners: number[] = [];
  await expect(
    withFleetLock(
      state,
      200,
      () => Promise.resolve(),
      (owner) => owners.push(owner),
    ),
  ).rejects.toThrow(`Process ${process.pid} is changing the fleet test.`);
  expect(owners).toEqual([process.pid]);
  held.resolve();
  await first;
});

test("the lock of a process that has ended is taken over, also when its process id lives on", async () => {
  const state = await openTestState();
  const other = spawn("sleep", ["30"]);
  onTestFinished(async () => {
    other.kill("SIGKILL");
    await once(other, "close");
  });
  await writeFile(`${state.folder}.lock`, JSON.stringify({ pid: other.pid, startTicks: "1", token: "earlier" }));
  expect(await withFleetLock(state, 5_000, () => Promise.resolve("changed"))).toBe("changed");
});

test("another topology is taken until the first certificates hold addresses, and refused from then on", async () => {
  const state = await openTestState();
  const topology = (name: string): Topology => ({
    regions: [{ name: "eu-1", zones: ["a"], seeds: [], istiodClusters: [{ name, line: "1.32" }] }],
  });
  const first = await ensurePlan(state, topology("first"));
  const second = await ensurePlan(state, topology("second"));
  expect([second.slot, second.clusters.map((cluster) => cluster.name)]).toEqual([first.slot, ["second"]]);
  await mkdir(join(state.folder, "etcd", "pki"), { recursive: true });
  await expect(ensurePlan(state, topology("first"))).rejects.toThrow("was made with another topology");
  expect(await ensurePlan(state, topology("second"))).toEqual(second);
});

test("fleets of one home that are made at the same time, or while others are down, have addresses of their own", async () => {
  const home = await makeHome();
  const topology: Topology = { regions: [{ name: "eu-1", zones: ["a"], seeds: [], istiodClusters: [] }] };
  const names = Array.from({ length: 24 }, (_, index) => `fleet-${index}`);
  const plans = await Promise.all(names.map(async (name) => ensurePlan(await openState(home, name), topology)));
  expect(new Set(plans.map(({ slot }) => slot)).size).toBe(names.length);
});
