import { readFile } from "node:fs/promises";
import { operations } from "@pilothouse/contract";
import { connectDatabase, type Database } from "@pilothouse/core";
import type { KubeClient } from "@pilothouse/provisioner";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Service } from "../src/service.ts";
import { clusterObject } from "./support/death-plan.ts";
import { type DyingWorkers, startDyingWorkers } from "./support/dying-workers.ts";
import { dealDeaths, type KilledVerb, planDeaths, stepsOf } from "./support/kill-matrix.ts";
import { adminClient, findKubeconfig } from "./support/mesh.ts";
import { compareObjects, listAllObjects } from "./support/objects.ts";
import {
  codeOf,
  connectOverRest,
  makeTenant,
  readControlPlane,
  startTestService,
  type TestTenant,
  waitForOperation,
} from "./support/service-ground.ts";
import { waitFor } from "./support/wait-for.ts";
import { watchAnswers } from "./support/watch-answers.ts";

/**
 * A successor waits until the lease of the dead has ended, so as much as possible goes on side by side: two services, each with a mesh cluster and a
 * version line of its own, each with every second step of everything. More of it at once would show how long many programs take to start on two
 * cores, not how soon another worker takes over.
 */
const grounds = [
  { cluster: "shop", istiodCluster: "istiod-eu-1-b", line: "1.32", half: 0 },
  { cluster: "pay", istiodCluster: "istiod-eu-1-a", line: "1.22", half: 1 },
] as const;

type Ground = (typeof grounds)[number];

/** The control plane that is made and removed. */
const storm = "storm";
/** The control plane whose istiod's token is renewed. */
const renewed = "renewed";
const operationLimitMs = 420_000;
/** A lease lasts 7 s; the rest is for finding what has become free. */
const moveLimitMs = 10_000;
/**
 * Where the database lets nobody in for so long, the pause between two questions included, the machine is measured and not how soon a successor comes:
 * then it need only come within the longer limit.
 */
const databaseLimitMs = 1_500;
const stalledMoveLimitMs = 60_000;
const identityNamespace = "pilothouse-system";

/** A service and what it acts on. */
interface Stage {
  ground: Ground;
  service: Service;
  database: Database;
  tenant: TestTenant;
  workers: DyingWorkers;
  mesh: KubeClient;
  host: KubeClient;
}

/** A revision's identities, and how many there are of what must not be doubled. */
async function readRevision({ mesh, host }: Stage, revision: string) {
  const identity = { namespace: identityNamespace, labelSelector: `pilothouse.io/revision=${revision}` };
  const own = { namespace: revision };
  const list = async (client: KubeClient, apiVersion: string, kind: string, scope: object): Promise<string[]> =>
    (await client.list({ apiVersion, kind }, scope)).map(({ metadata }) => metadata.name.replace(revision, ""));
  return {
    serviceAccounts: await list(mesh, "v1", "ServiceAccount", identity),
    boundSecrets: await list(mesh, "v1", "Secret", identity),
    deployments: (await list(host, "apps/v1", "Deployment", own)).length,
    replicaSets: (await list(host, "apps/v1", "ReplicaSet", own)).length,
  };
}

/** What `readRevision` says of one that is as it should be, by the slot of its identity. */
const oneOfEach = (slot: "a" | "b") => ({
  serviceAccounts: [`istiod--${slot}`],
  boundSecrets: [`istiod--${slot}-token`],
  deployments: 1,
  replicaSets: 1,
});

/** Names of a cluster's objects without their UIDs. */
const listNames = async (client: KubeClient): Promise<string[]> =>
  (await listAllObjects(client)).map((line) => line.split(" ").slice(0, 3).join(" ")).toSorted();

const listPilothouseSecrets = async ({ mesh }: Stage): Promise<string[]> =>
  (await mesh.list({ apiVersion: "v1", kind: "Secret" }, { namespace: identityNamespace }))
    .filter(({ metadata }) => metadata.labels?.["pilothouse.io/revision"] === undefined)
    .map(({ metadata }) => metadata.uid ?? "");

async function endOf({ tenant }: Stage, operation: string): Promise<string> {
  const { state, message } = await waitForOperation(tenant, operation, operationLimitMs);
  return state === "succeeded" ? state : `${state}: ${message}`;
}

async function disconnect(stage: Pick<Stage, "tenant" | "ground">): Promise<string> {
  const params = { tenant: stage.tenant.name, cluster: stage.ground.cluster };
  return (await stage.tenant.client.call(operations.disconnectCluster, { params })).body.operation.id;
}

async function create({ tenant, ground }: Stage, name: string): Promise<string> {
  const { cluster, line } = ground;
  const body = { name, cluster, line };
  return (await tenant.client.call(operations.createControlPlane, { params: { tenant: tenant.name }, body })).body
    .operation.id;
}

async function remove({ tenant }: Stage, name: string): Promise<string> {
  const params = { tenant: tenant.name, controlPlane: name };
  return (await tenant.client.call(operations.deleteControlPlane, { params })).body.operation.id;
}

/** Has the cluster connected by workers that die. */
async function connectThroughout(stage: Stage, calm: string[]) {
  const { tenant, ground, workers, mesh, database } = stage;
  workers.plan({ deaths: { [clusterObject]: dealDeaths("connect", ground.half, grounds.length) } });
  await workers.resize(2);
  const kubeconfig = await readFile(await findKubeconfig(ground.cluster), "utf8");
  const { body } = await tenant.client.call(operations.connectCluster, {
    params: { tenant: tenant.name },
    body: { name: ground.cluster, kind: "gardener", seed: "seed-eu-1", kubeconfig },
  });
  const end = await endOf(stage, body.operation.id);
  const params = { tenant: tenant.name, cluster: ground.cluster };
  const { phase } = (await tenant.client.call(operations.getCluster, { params })).body;
  const kubeconfigs = await database.$queryRawUnsafe<unknown[]>(
    "SELECT id FROM sealed_secrets WHERE purpose = 'connect-kubeconfig'",
  );
  const names = await listNames(mesh);
  const differences = [
    ...names.filter((name) => !calm.includes(name)).map((name) => `more: ${name}`),
    ...calm.filter((name) => !names.includes(name)).map((name) => `less: ${name}`),
  ];
  return { end, phase, kubeconfigs: kubeconfigs.length, differences, secrets: await listPilothouseSecrets(stage) };
}

/** Makes and removes a control plane by workers that die. */
async function provisionThroughout(stage: Stage) {
  const { tenant, workers, ground } = stage;
  workers.plan({ deaths: { [storm]: dealDeaths("reconcile", ground.half, grounds.length) } });
  const created = await endOf(stage, await create(stage, storm));
  const { phase, revisions } = await readControlPlane(tenant, storm);
  const objects = await readRevision(stage, revisions[0] ?? "");
  workers.plan({ deaths: { [storm]: dealDeaths("remove", ground.half, grounds.length) } });
  const removed = await endOf(stage, await remove(stage, storm));
  const after = await codeOf(readControlPlane(tenant, storm));
  return { created, phase, revisions: revisions.length, objects, removed, after };
}

/** Has the tokens of Pilothouse and of an istiod renewed by workers that die. */
async function renewThroughout(stage: Stage) {
  const { tenant, workers, database, ground } = stage;
  const created = await endOf(stage, await create(stage, renewed));
  const [revision = ""] = (await readControlPlane(tenant, renewed)).revisions;
  const before = { secrets: await listPilothouseSecrets(stage), objects: await readRevision(stage, revision) };
  workers.plan({
    agedBeforeMs: Date.now() - 2_000,
    aged: [renewed],
    deaths: {
      [clusterObject]: dealDeaths("renewConnection", ground.half, grounds.length),
      [renewed]: dealDeaths("renewCredential", ground.half, grounds.length),
    },
  });
  await database.$executeRawUnsafe(
    "UPDATE work_items SET wakes = wakes + 1, next_reconcile_at = now() WHERE kind = 'cluster' OR (kind = 'revision' AND object_id = $1)",
    revision,
  );
  await waitFor(
    "both renewals, and all their deaths",
    async () =>
      [clusterObject, renewed].every(workers.areDone) &&
      workers.hasTaken(renewed, "renewalRecorded") &&
      (await listPilothouseSecrets(stage)).length === 1,
    operationLimitMs,
  );
  await waitFor(
    "the renewed control plane to be Ready",
    async () => (await readControlPlane(tenant, renewed)).phase === "Ready",
    30_000,
  );
  const after = { secrets: await listPilothouseSecrets(stage), objects: await readRevision(stage, revision) };
  const removed = await endOf(stage, await remove(stage, renewed));
  return { created, before, after, removed };
}

const isKept = (name: string): boolean => /\.istio\.io | istio-system/.test(name);

/** Opens a connection, as a worker does, and asks over it. */
async function askDatabase(connectionString: string): Promise<void> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 10_000, query_timeout: 10_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("SELECT 1");
  } finally {
    await client.end();
  }
}

/** Everything there is, through workers that die. */
async function killThroughout(ground: Ground) {
  const [mesh, host] = await Promise.all([adminClient(ground.cluster), adminClient(ground.istiodCluster)]);
  const [meshBefore, hostBefore] = await Promise.all([listAllObjects(mesh), listAllObjects(host)]);
  const service = await startTestService();
  const database = connectDatabase(service.databaseUrls.migrator, 2);
  const tenant = await makeTenant(service, "acme");
  const workers = await startDyingWorkers(service);
  const watch = watchAnswers(() => askDatabase(service.databaseUrls.migrator));
  const stage = { ground, service, database, tenant, workers, mesh, host };
  closers.push(async () => {
    await watch.stop();
    await workers.stop();
    await database.$disconnect();
    await service.stop();
  });
  const findAdded = async (): Promise<string[]> => [
    ...compareObjects(meshBefore, await listAllObjects(mesh)).added.filter((name) => !isKept(name)),
    ...compareObjects(hostBefore, await listAllObjects(host)).added,
  ];
  const waitForNoTraces = (): Promise<void> =>
    waitFor("both clusters to hold no more than before", async () => (await findAdded()).length === 0, 45_000);

  await connectOverRest(tenant, ground.cluster);
  const calm = await listNames(mesh);
  await endOf(stage, await disconnect(stage));
  await waitForNoTraces();
  await service.worker.stop();

  const connected = await connectThroughout(stage, calm);
  // One for each object, and three that are up when others have died.
  await workers.resize(6);
  const renewing = renewThroughout(stage);
  const provisioned = await provisionThroughout(stage);
  const renewal = await renewing;
  await workers.resize(2);
  workers.plan({ deaths: { [clusterObject]: dealDeaths("disconnect", ground.half, grounds.length) } });
  const disconnected = await endOf(stage, await disconnect(stage));
  await waitFor(
    "the last deaths and their successors",
    async () => workers.areDone(clusterObject) && workers.listDeaths().every(({ delayMs }) => delayMs !== undefined),
    30_000,
  );
  await waitForNoTraces();
  const corrections = await workers.readCorrections();
  await workers.stop();
  return {
    connected,
    provisioned,
    renewal,
    disconnected,
    corrections,
    deaths: workers.listDeaths().map((death) => {
      const untilMs = death.atMs + (death.delayMs ?? operationLimitMs);
      return { ...death, databaseMs: watch.findLongest(death.atMs, untilMs) };
    }),
    killed: workers.countKilled(),
    faults: workers.listFaults(),
  };
}

type Seen = Awaited<ReturnType<typeof killThroughout>>;

const closers: (() => Promise<void>)[] = [];
const seen = new Map<Ground, Seen>();
const readSeen = (ground: Ground): Seen => {
  const found = seen.get(ground);
  if (found === undefined) throw new Error(`nothing was seen on ${ground.cluster}`);
  return found;
};

beforeAll(async () => {
  await Promise.all(grounds.map(async (ground) => void seen.set(ground, await killThroughout(ground))));
});

afterAll(async () => {
  await Promise.allSettled(closers.map((close) => close()));
});

/** How many workers died after each step of a verb, on both grounds. */
function countDeaths(verb: KilledVerb): Record<string, number> {
  const objects: Record<KilledVerb, string> = {
    connect: clusterObject,
    renewConnection: clusterObject,
    disconnect: clusterObject,
    renewCredential: renewed,
    reconcile: storm,
    remove: storm,
  };
  const deaths = grounds.flatMap((ground) => readSeen(ground).deaths).filter(({ object }) => object === objects[verb]);
  return Object.fromEntries(stepsOf[verb].map((step) => [step, deaths.filter((death) => death.step === step).length]));
}

test.each(["connect", "renewConnection", "reconcile", "renewCredential", "remove", "disconnect"] as const)(
  "workers die after every step of %s: twice, or once where no successor takes the step again",
  (verb) => {
    expect(countDeaths(verb)).toEqual(planDeaths(verb));
  },
);

describe.each(grounds)("on $cluster, line $line", (ground) => {
  test("the two deaths after a step come in a row, and each is that of a process", () => {
    const { deaths, killed } = readSeen(ground);
    expect(killed).toBe(deaths.length);
    for (const object of new Set(deaths.map((death) => death.object))) {
      const steps = deaths.filter((death) => death.object === object).map(({ step }) => step);
      const changes = steps.filter((step, index) => step !== steps[index - 1]);
      expect(changes).toEqual([...new Set(steps)]);
    }
  });

  test("objects of a dead worker move again within 10 s, while the database answers", () => {
    const { deaths } = readSeen(ground);
    const isStalled = ({ databaseMs }: (typeof deaths)[number]): boolean => databaseMs > databaseLimitMs;
    const limitOf = (death: (typeof deaths)[number]) => (isStalled(death) ? stalledMoveLimitMs : moveLimitMs);
    expect(deaths.filter((death) => (death.delayMs ?? Number.POSITIVE_INFINITY) >= limitOf(death))).toEqual([]);
    // What the rule is shown by has to be most of them.
    expect(deaths.filter(isStalled).length).toBeLessThan(deaths.length / 4);
  });

  test("the cluster is connected as without deaths, and its kubeconfig is erased", () => {
    expect(readSeen(ground).connected).toEqual({
      end: "succeeded",
      phase: "Connected",
      kubeconfigs: 0,
      differences: [],
      secrets: [expect.any(String)],
    });
  });

  test("a control plane comes to Ready with one of each, and goes", () => {
    const whole = { created: "succeeded", phase: "Ready", revisions: 1, removed: "succeeded", after: "NotFound" };
    expect(readSeen(ground).provisioned).toEqual({ ...whole, objects: oneOfEach("a") });
  });

  test("tokens are renewed, and none is left beside the new ones", () => {
    const { created, before, after, removed } = readSeen(ground).renewal;
    expect([created, removed]).toEqual(["succeeded", "succeeded"]);
    expect(before).toEqual({ secrets: [expect.any(String)], objects: oneOfEach("a") });
    expect(after).toEqual({ secrets: [expect.any(String)], objects: oneOfEach("b") });
    expect(after.secrets).not.toEqual(before.secrets);
  });

  test("the cluster is disconnected; no sweep had to correct anything, no worker ended otherwise", () => {
    const { disconnected, corrections, faults } = readSeen(ground);
    expect({ disconnected, corrections, faults }).toEqual({ disconnected: "succeeded", corrections: 0, faults: [] });
  });
});
