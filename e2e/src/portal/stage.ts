import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, operations } from "@pilothouse/contract";
import type { Ground } from "../ground.ts";
import { createTenantWithKey, registerFleet } from "../register-fleet.ts";
import type { Service } from "../service.ts";
import type { SimulationProcess } from "../simulation/open-simulation.ts";
import type { SimulationPlan } from "../simulation/simulation.ts";
import { writePastLives } from "./past-lives.ts";
import { writePastUsage } from "./past-usage.ts";
import { makeMember, makeOperator, type Person } from "./people.ts";
import { type SimulatedService, type SimulatedServiceOptions, startSimulatedService } from "./simulated-service.ts";

/** The whole service on simulated clusters, furnished so that each page has something to show. */
export interface Stage extends SimulatedService {
  baseUrl: string;
  /** Has all there is: what serves, what comes up, what fails, and what can't be seen. */
  tenant: string;
  /** Has nothing yet. */
  emptyTenant: string;
  /** The istiod cluster whose edge is gone. */
  lostEdge: string;
  /** Of both tenants. */
  member: Person;
  /** Of the provider. */
  operator: Person;
  /** Text of an invitation into the tenant that nobody has used yet. */
  invitation: string;
}

export interface StageOptions extends Omit<SimulatedServiceOptions, "plan"> {
  /** Is told what is being done. */
  say?: (text: string) => void;
}

const readyLimitMs = 90_000;
const lookMs = 250;
/** Small, so that a few revisions are to be seen in it. */
const capacity = { slots: 8, cpuMilli: 4_000, memoryMib: 8_192 };

const plan: SimulationPlan = {
  meshClusters: [
    { name: "shop", region: "eu-1", proxies: 64 },
    { name: "pay", region: "eu-1", proxies: 38 },
    { name: "ledger", region: "eu-1", proxies: 21 },
    { name: "search", region: "us-1", proxies: 17 },
    { name: "media", region: "us-1", proxies: 45 },
    { name: "lab", region: "us-1" },
    { name: "routes", region: "eu-1", proxies: 92 },
    { name: "depots", region: "us-1", proxies: 12 },
  ],
  istiodClusters: [
    { name: "istiod-eu-1-a", region: "eu-1", line: "1.22" },
    { name: "istiod-eu-1-b", region: "eu-1", line: "1.32" },
    { name: "istiod-us-1-a", region: "us-1", line: "1.22" },
    { name: "istiod-us-1-b", region: "us-1", line: "1.32" },
  ],
};

const tenant = "acme";
const otherTenant = "globex";
const emptyTenant = "initech";

/** What comes up is stopped by this, and what serves there does not any more. */
const lostEdge = "istiod-us-1-b";
const lostApiServer = "ledger";
const neverConnected = "lab";

const clustersOf = {
  [tenant]: ["shop", "pay", "ledger", "search", "media"],
  [otherTenant]: ["routes", "depots"],
} as const;

const controlPlanesOf = {
  [tenant]: [
    { name: "shop", cluster: "shop", line: "1.32", replicas: 2 },
    { name: "pay", cluster: "pay", line: "1.32", replicas: 2 },
    { name: "ledger", cluster: "ledger", line: "1.22", replicas: 1 },
    { name: "search", cluster: "search", line: "1.22", replicas: 1 },
    { name: "media", cluster: "media", line: "1.32", replicas: 1 },
  ],
  [otherTenant]: [
    { name: "routes", cluster: "routes", line: "1.32", replicas: 3 },
    { name: "depots", cluster: "depots", line: "1.22", replicas: 1 },
  ],
} as const;

async function waitUntil(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + readyLimitMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(`${what}: not so after ${readyLimitMs / 1_000} s`);
    await sleep(lookMs);
  }
}

async function connect(client: Client, ground: Ground, owner: string, name: string): Promise<void> {
  const cluster = ground.status.clusters.find((known) => known.name === name);
  if (cluster === undefined) throw new Error(`there is no cluster ${name}`);
  const kubeconfig = await readFile(cluster.kubeconfig, "utf8");
  await client.call(operations.connectCluster, {
    params: { tenant: owner },
    body: { name, kind: "gardener", seed: `seed-${cluster.region}`, kubeconfig },
  });
}

/** Connects a tenant's clusters and creates its control planes, and waits until all are Ready. */
async function furnish(client: Client, ground: Ground, owner: keyof typeof controlPlanesOf): Promise<void> {
  const params = { tenant: owner };
  for (const name of clustersOf[owner]) await connect(client, ground, owner, name);
  await waitUntil(`clusters of ${owner} connected`, async () => {
    const { body } = await client.call(operations.listClusters, { params });
    return body.items.every(({ phase }) => phase === "Connected");
  });
  for (const body of controlPlanesOf[owner]) await client.call(operations.createControlPlane, { params, body });
  await waitUntil(`control planes of ${owner} Ready`, async () => {
    const { body } = await client.call(operations.listControlPlanes, { params });
    return body.items.every(({ phase }) => phase === "Ready");
  });
}

const dayMs = 86_400_000;
/** How long lines are supported from now on, in days; an older one is not for what is new. */
const supports = { "1.32": { days: 285 }, "1.22": { days: 74, state: "deprecated" } } as const;

/** Says how long lines are supported. */
async function dateLines(platform: Client): Promise<void> {
  for (const [versionLine, { days, ...more }] of Object.entries(supports)) {
    const endOfSupport = new Date(Date.now() + days * dayMs).toISOString().slice(0, 10);
    const params = { versionLine };
    const { etag } = await platform.call(operations.getVersionLine, { params });
    await platform.call(operations.changeVersionLine, {
      params,
      body: { endOfSupport, ...more },
      ifMatch: etag ?? "*",
    });
  }
}

/** Takes an edge and two API servers away, and asks for what then can't be finished. */
async function trouble(client: Client, ground: Ground, simulation: SimulationProcess): Promise<void> {
  const params = { tenant };
  for (const lost of [lostEdge, lostApiServer, neverConnected]) await simulation.setOpen(lost, false);
  await connect(client, ground, tenant, neverConnected);
  const body = { name: "search-next", cluster: "search", line: "1.32", replicas: 1 };
  await client.call(operations.createControlPlane, { params, body });
  const phaseOf = async (controlPlane: string): Promise<string> =>
    (await client.call(operations.getControlPlane, { params: { tenant, controlPlane } })).body.phase;
  await waitUntil("media is Degraded", async () => (await phaseOf("media")) === "Degraded");
  await waitUntil("ledger is Unknown", async () => (await phaseOf("ledger")) === "Unknown");
}

/** Starts it. The web application is built first where it is not. */
export async function startStage({ home, environment, block, say = () => undefined }: StageOptions): Promise<Stage> {
  say(
    "starting simulated clusters, database, worker and web server; the web application is built first where it is not",
  );
  const running = await startSimulatedService({ home, environment, block, plan });
  const { service, ground, simulation } = running;
  try {
    await registerFleet(service.platform, ground, capacity);
    // Nothing is placed where nobody has looked yet, and each control plane has its place here.
    await waitUntil("istiod clusters answer", async () => {
      const { body } = await service.platform.call(operations.listIstiodClusters, {});
      return body.items.every(({ healthy }) => healthy === true);
    });
    say("connecting clusters and creating control planes");
    const client = service.connect(await createTenantWithKey(service.platform, tenant));
    const other = service.connect(await createTenantWithKey(service.platform, otherTenant));
    await createTenantWithKey(service.platform, emptyTenant);
    await Promise.all([furnish(client, ground, tenant), furnish(other, ground, otherTenant)]);
    await dateLines(service.platform);
    const people = await makePeople(service);
    await writePastLives(service);
    say("taking an edge and two API servers away");
    await trouble(client, ground, simulation);
    await writePastUsage(service);
    return { ...running, ...people, baseUrl: service.baseUrl, tenant, emptyTenant, lostEdge };
  } catch (error) {
    await running.stop();
    throw error;
  }
}

async function makePeople(service: Service): Promise<Pick<Stage, "member" | "operator" | "invitation">> {
  const dana = { email: "dana@acme.example", displayName: "Dana Okafor", password: "a lantern on the north pier" };
  const lee = { email: "lee@acme.example", displayName: "Lee Vance", password: "a rope on the south pier" };
  const sam = { email: "sam@provider.example", displayName: "Sam Rivera", password: "a chart under the old lamp" };
  const member = await makeMember(service, dana, [
    { tenant, role: "owner" },
    { tenant: emptyTenant, role: "owner" },
  ]);
  await makeMember(service, lee, [{ tenant, role: "operator" }]);
  const invited = { email: "kim@acme.example", displayName: "Kim Adeyemi", role: "viewer" } as const;
  const { body } = await service.platform.call(operations.addTenantMember, { params: { tenant }, body: invited });
  return { member, operator: await makeOperator(service, sam), invitation: body.invitation?.token ?? "" };
}
