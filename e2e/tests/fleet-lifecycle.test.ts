import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Fleet, openFleet } from "../src/fleet.ts";
import {
  compareSnapshots,
  type MachineSnapshot,
  takeSnapshot,
  waitForSameMachine,
} from "./support/machine-snapshot.ts";
import { fleetEnvironment, testFleet } from "./support/test-fleet.ts";

const [first, second] = [openFleet("first", fleetEnvironment), openFleet("second", fleetEnvironment)];
const findTopology = (fleet: Fleet): string => join(import.meta.dirname, `support/${fleet.name}-topology.yaml`);
const smallTopology = findTopology(second);
const cli = join(import.meta.dirname, "../../packages/fleet/src/cli.ts");
/** Other tests may be at work with the fleet that they share. */
const view = { home: fleetEnvironment.PILOTHOUSE_HOME, neighbour: testFleet.name };

const bringUp = (fleet: Fleet): Promise<string> =>
  fleet.run(["up", "--topology", findTopology(fleet)], { quiet: true });
const takeDown = (fleet: Fleet): Promise<string> => fleet.run(["down", "--wipe"], { quiet: true });
const up = (): Promise<string> => bringUp(second);
const down = (): Promise<string> => takeDown(second);

async function expectSameMachine(before: MachineSnapshot): Promise<void> {
  expect(await waitForSameMachine(before, compareSnapshots, view)).toEqual({});
}

/** Starts a command of the second fleet and kills it as soon as it has said something. Everything depends on what was said, not on the time. */
async function killOnWords(parameters: string[], words: string): Promise<void> {
  const child = spawn(process.execPath, [cli, ...parameters], {
    stdio: ["ignore", "pipe", "pipe"],
    env: fleetEnvironment,
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
      if (said.includes(words)) child.kill("SIGKILL");
    });
  }
  const signal = await new Promise<NodeJS.Signals | null>((settle, fail) => {
    child.on("error", fail);
    child.on("exit", (_, ended) => settle(ended));
  });
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
  expect([signal, said]).toEqual(["SIGKILL", expect.stringContaining(words)]);
}

const killUp = (words: string): Promise<void> =>
  killOnWords(["up", "--name", "second", "--topology", smallTopology], words);

/** Process ids by part, of the parts that run. */
const readPids = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await second.readStatus()).parts.filter((part) => part.running).map((part) => [part.name, part.pid]),
  );

/** What a command of the second fleet that fails says. */
const failure = (parameters: string[]): Promise<string> =>
  second.run(parameters, { quiet: true }).then(
    () => "",
    (error: unknown) => String(error),
  );

beforeAll(async () => {
  // A run that was killed may have left them.
  await Promise.all([first, second].map(takeDown));
});

describe("beside the first fleet", () => {
  beforeAll(async () => {
    await bringUp(first);
  });

  afterEach(async () => {
    await down();
  });

  afterAll(async () => {
    await takeDown(first);
  });

  test("one that was not made is said not to be there", async () => {
    expect(await failure(["up", "--topology", "/nope"])).toMatch(/fleet: The topology file \/nope is not there\..*\n$/);
    expect(await failure(["status"])).toContain("There is no fleet second. Make it:");
  });

  test("a second one runs, and taking it down ends what exec started in it and leaves the machine as it was", async () => {
    const before = await takeSnapshot(view);
    await up();
    const [one, other] = await Promise.all([first.readStatus(), second.readStatus()]);
    expect([one.state, other.state]).toEqual(["up", "up"]);
    expect(other.network.cidr).not.toBe(one.network.cidr);
    expect(other.network).toMatchObject({ enforcesNetworkPolicy: false });
    const script = "setsid sleep 1d & echo started; exec sleep 1d";
    await killOnWords(["exec", "--name", "second", "--", "/bin/sh", "-c", script], "started");
    await down();
    await expectSameMachine(before);
    expect((await first.readStatus()).state).toBe("up");
  });

  // What an `up` says, first to last: with the first its network is made, with the last only the node's DNS is missing.
  test.each(["network: ", "small-shop: ready", "small-istiod/node: ready"])(
    'an up that is killed at "%s", and then a down, leave the machine as it was',
    async (words) => {
      const before = await takeSnapshot(view);
      await killUp(words);
      await down();
      await expectSameMachine(before);
    },
  );

  test.each(["network: ", "etcd: ready"])('an up that is killed at "%s" is finished by the next up', async (words) => {
    await killUp(words);
    await up();
    expect((await second.readStatus()).state).toBe("up");
  });
});

describe("a fleet that is up", () => {
  beforeAll(async () => {
    await up();
  });

  afterAll(async () => {
    await down();
  });

  test("one part can be killed and started", async () => {
    await second.run(["kill", "small-istiod/edge"], { quiet: true });
    expect((await readPids())["small-istiod/edge"]).toBeUndefined();
    await second.run(["start", "small-istiod/edge"], { quiet: true });
    expect((await readPids())["small-istiod/edge"]).toBeGreaterThan(0);
    expect(await second.run(["logs", "etcd"], { quiet: true })).toBeTypeOf("string");
    const resolved = await second.run(["exec", "--", "getent", "hosts", "small-shop.api.pilothouse.test"], {
      quiet: true,
    });
    expect(resolved).toContain("small-shop.api.pilothouse.test");
  });

  test("clusters share neither authority, nor service-account key, nor issuer", async () => {
    const { clusters, folder } = await second.readStatus();
    const read = (file: string): Promise<string[]> =>
      Promise.all(clusters.map(({ name }) => readFile(join(folder, "clusters", name, "pki", file), "utf8")));
    for (const file of ["ca.crt", "service-account.pub"])
      expect([file, new Set(await read(file)).size]).toEqual([file, clusters.length]);
  });

  test("status has the version of every program, and kubectl asks the cluster itself", async () => {
    const { clusters, parts } = await second.readStatus();
    const ask = (...parameters: string[]): Promise<string> =>
      second.run(["kubectl", "small-shop", "--", ...parameters], { quiet: true });
    const { gitVersion } = z.object({ gitVersion: z.string() }).parse(JSON.parse(await ask("get", "--raw=/version")));
    const kubernetes = gitVersion.replace(/^v/, "");
    expect(clusters.map(({ name, versions }) => [name, versions])).toEqual([
      ["small-istiod", { kubernetes, istiod: "1.32-dev" }],
      ["small-shop", { kubernetes }],
    ]);
    expect(parts.filter((part) => part.version === undefined).map((part) => part.name)).toEqual([
      "backbone",
      "small-istiod/node",
    ]);
    expect(parts.find((part) => part.name === "small-shop/kube-scheduler")?.version).toBe(kubernetes);
    expect(parts.find((part) => part.name === "small-istiod/edge")?.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(await failure(["kubectl", "small-shop", "--", "diff", "--filename=/nope"])).toContain("ended with 2");
    expect(await failure(["kubectl", "nowhere", "--", "version"])).toContain("There are: small-istiod, small-shop");
  });

  test("what is asked wrongly is said, with what would be right", async () => {
    expect(await failure(["ups"])).toContain("There is no command ups.");
    expect(await failure(["up", "--topology", join(import.meta.dirname, "support/test-fleet.ts")])).toMatch(
      /is not (a topology|YAML)/,
    );
    expect(await failure(["kill", "etc"])).toContain("There is no part etc.");
    expect(await failure(["kubeconfig", "nowhere"])).toContain("There are: small-istiod, small-shop");
    expect(await failure(["up"])).toContain("was made with another topology");
  });

  test("up changes nothing that runs, and starts what was killed", async () => {
    const before = await readPids();
    await up();
    expect(await readPids()).toEqual(before);

    const victims = [
      "etcd",
      "dns",
      "small-shop/kube-apiserver",
      "small-istiod/containerd",
      "small-istiod/kubelet",
      "small-istiod/edge",
    ];
    for (const part of victims) await second.run(["kill", part], { quiet: true });
    const degraded = await second.readStatus();
    expect(degraded.state).toBe("degraded");
    expect(degraded.parts.filter((part) => !part.running).map((part) => part.name)).toEqual(
      expect.arrayContaining(victims),
    );
    await up();
    expect((await second.readStatus()).state).toBe("up");
    const after = await readPids();
    for (const part of Object.keys(before))
      expect([part, after[part] === before[part]]).toEqual([part, !victims.includes(part)]);
  });

  test.each(["backbone", "small-istiod/node"])("up makes anew what lived in %s when that was killed", async (part) => {
    await second.run(["kill", part], { quiet: true });
    await up();
    const { state, clusters, parts } = await second.readStatus();
    const notReady = clusters.filter((cluster) => !cluster.ready).map((cluster) => cluster.name);
    const stopped = parts.filter((one) => !one.running).map((one) => one.name);
    expect({ state, notReady, stopped }).toEqual({ state: "up", notReady: [], stopped: [] });
  });

  test("data outlives a down", async () => {
    const authority = await readFile((await second.readStatus()).clusters[0]?.kubeconfig ?? "", "utf8");
    await second.run(["down"], { quiet: true });
    expect((await second.readStatus()).state).toBe("down");
    await up();
    expect(await readFile((await second.readStatus()).clusters[0]?.kubeconfig ?? "", "utf8")).toBe(authority);
  });
});
