import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type FleetControlPlane, operations } from "@pilothouse/contract";
import type { Browser } from "@playwright/test";
import { describeMachine, readLoad, replaceSection } from "./document.ts";
import { openFleet } from "./fleet.ts";
import { type Ground, readGround } from "./ground.ts";
import { keepCommitTimes } from "./load/follow-changes.ts";
import { type Faults, measureChanges, type Session } from "./load/measure-changes.ts";
import {
  createTenants,
  type LoadTenant,
  orderClusters,
  orderControlPlanes,
  planLoad,
  waitForPhase,
} from "./load/populate.ts";
import { buildPortalReport, judgePortal, type PortalMeasurement } from "./load/portal-report.ts";
import { createProgress, type Progress } from "./load/progress.ts";
import { type ListOpenings, type PortalList, timeList } from "./load/time-lists.ts";
import { waitForQuiet } from "./load/worker-metrics.ts";
import { openBrowser } from "./portal/find-browser.ts";
import { makeMember, makeOperator, type Person, signIn } from "./portal/people.ts";
import { buildWeb, type Service, startService } from "./service.ts";
import { openSimulation, type SimulationProcess, spawnSimulation } from "./simulation/open-simulation.ts";

const usage = `Usage: npm run load:portal -- [--control-planes N] [--openings N] [--no-build] [--no-document]

Starts the service on simulated clusters, lets one tenant order N control planes over REST, each in a mesh cluster of its own, and measures
in a Chromium: how soon lists can be searched, how they scroll, and how long a condition's change takes from its commit to the document.

  --control-planes N  how many (default 1000)
  --openings N        how often each list is opened in each way (default 12, at least 10 to be written down)
  --no-build          takes the web application as it was built last
  --no-document       leaves docs/benchmarks.md as it is

With 1000 control planes or more the result goes into docs/benchmarks.md. Ends with 1 when a limit is missed.`;

/** With fewer of either the numbers say nothing of the promise. */
const fewestToKeep = { controlPlanes: 1_000, openings: 10 } as const;
const block = 84;
/** Tenants beside the one that has all, for the operators' list of them. */
const otherTenants = 199;
/** Mesh clusters whose API server is taken away; with those between them no more than a list shows at once. */
const singleFaults = 24;
const documentFile = join(import.meta.dirname, "../../docs/benchmarks.md");
const print = (text: string): void => void process.stdout.write(`${text}\n`);

interface Options {
  controlPlanes: number;
  openings: number;
  build: boolean;
  document: boolean;
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      "control-planes": { type: "string", default: "1000" },
      openings: { type: "string", default: "12" },
      build: { type: "boolean", default: true },
      document: { type: "boolean", default: true },
      help: { type: "boolean", short: "h", default: false },
    },
    allowNegative: true,
  });
  if (values.help) return undefined;
  const controlPlanes = Number(values["control-planes"]);
  if (!Number.isInteger(controlPlanes) || controlPlanes < 100 || controlPlanes > 5_000)
    throw new Error(`--control-planes is a number from 100 to 5000.\n\n${usage}`);
  const openings = Number(values.openings);
  if (!Number.isInteger(openings) || openings < 1 || openings > 100)
    throw new Error(`--openings is a number from 1 to 100.\n\n${usage}`);
  return { controlPlanes, openings, build: values.build, document: values.document };
}

/** Has one tenant order all control planes, and waits until all are Ready and nothing is left to do. */
async function furnish(service: Service, ground: Ground, all: number, progress: Progress): Promise<LoadTenant> {
  const [tenant, ...others] = await createTenants(service, ground, [all, ...Array<number>(otherTenants).fill(1)]);
  if (tenant === undefined) throw new Error("there is no tenant");
  progress.say(`${others.length + 1} tenants are made`);
  await orderClusters(ground, [tenant], progress);
  await waitForPhase([tenant], "clusters", { phase: "Connected", progress, timeoutMs: 600_000 });
  await orderControlPlanes(ground, [tenant], progress);
  await waitForPhase([tenant], "controlPlanes", { phase: "Ready", progress, timeoutMs: 900_000 });
  await waitForQuiet(service.workerHealthUrl, all, progress, 300_000);
  return tenant;
}

/** Signs somebody in, and answers what the browser keeps of it. */
async function openSession(browser: Browser, baseUrl: string, person: Person): Promise<Session> {
  const context = await browser.newContext();
  await signIn(context, baseUrl, person);
  const session = await context.storageState();
  await context.close();
  return session;
}

/** @param last number of the newest control plane, which a search finds alone */
function describeLists(
  tenant: string,
  { all, istiodClusters, last }: { all: number; istiodClusters: number; last: string },
): PortalList[] {
  const base = `/tenants/${tenant}`;
  const member = { as: "member", from: `${base}/settings`, rows: all, search: last } as const;
  const operator = { as: "operator", from: "/admin/work" } as const;
  return [
    {
      ...member,
      name: "control planes",
      path: `${base}/control-planes`,
      link: "Control planes",
      label: "control planes",
    },
    { ...member, name: "clusters", path: `${base}/clusters`, link: "Clusters", label: "clusters" },
    {
      ...operator,
      name: "placement",
      path: "/admin/placement",
      link: "Placement",
      label: "control planes",
      rows: all,
      search: last,
    },
    {
      ...operator,
      name: "tenants",
      path: "/admin/tenants",
      link: "Tenants",
      label: "tenants",
      rows: otherTenants + 1,
      search: `tenant-${otherTenants + 1}`,
    },
    {
      ...operator,
      name: "istiod clusters",
      path: "/admin/istiod-clusters",
      link: "Istiod clusters",
      label: "istiod clusters",
      rows: istiodClusters,
      search: "istiod-us-1-1-32-1",
    },
  ];
}

/** Chooses what is to fail: the istiod cluster that hosts most, and mesh clusters of the list's first rows that it does not serve. */
async function chooseFaults(service: Service, tenant: LoadTenant): Promise<Faults> {
  const items: FleetControlPlane[] = [];
  for (let cursor: string | undefined; ;) {
    const query = { limit: 100, ...(cursor === undefined ? {} : { cursor }) };
    const { body } = await service.platform.call(operations.listFleetControlPlanes, { query });
    items.push(...body.items.filter((one) => one.tenant === tenant.name));
    if (body.nextCursor === null) break;
    cursor = body.nextCursor;
  }
  const hosts = Map.groupBy(items, ({ revisions }) => revisions[0]?.istiodCluster ?? "");
  const [host] = [...hosts].toSorted((a, b) => b[1].length - a[1].length);
  if (host === undefined) throw new Error("no istiod cluster hosts anything");
  const [istiodCluster, hosted] = host;
  const single = items
    .filter((one) => !hosted.includes(one))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .slice(0, singleFaults)
    .map(({ id, name, cluster }) => ({ id, name, meshCluster: cluster }));
  return { single, edge: { istiodCluster, hosted: hosted.map(({ id, name }) => ({ id, name })) } };
}

interface Ready {
  service: Service;
  ground: Ground;
  simulation: SimulationProcess;
  tenant: LoadTenant;
  browser: Browser;
  progress: Progress;
  openings: number;
}

async function measure({
  service,
  ground,
  simulation,
  tenant,
  browser,
  progress,
  openings,
}: Ready): Promise<PortalMeasurement> {
  const { baseUrl } = service;
  const names = { email: "dana@load.example", displayName: "Dana Okafor", password: "a lantern on the north pier" };
  const member = await makeMember(service, names, [{ tenant: tenant.name, role: "owner" }]);
  const sam = { email: "sam@load.example", displayName: "Sam Rivera", password: "a chart under the old lamp" };
  const operator = await makeOperator(service, sam);
  const sessions = {
    member: await openSession(browser, baseUrl, member),
    operator: await openSession(browser, baseUrl, operator),
  };
  const istiodClusters = ground.status.clusters.filter(({ kind }) => kind === "istiod").length;
  const last = String(tenant.controlPlanes).padStart(4, "0");
  const lists: ListOpenings[] = [];
  for (const list of describeLists(tenant.name, { all: tenant.controlPlanes, istiodClusters, last })) {
    const timed = await timeList(browser, { baseUrl, session: sessions[list.as], openings }, list);
    progress.say(
      `${list.name}: searched after ${Math.round(timed.cold.searched.p50)} ms, and ${Math.round(timed.click.searched.p50)} ms by a click`,
    );
    lists.push(timed);
  }
  const faults = await chooseFaults(service, tenant);
  const migratorUrl = service.databaseUrls.migrator;
  const changes = await measureChanges({
    baseUrl,
    migratorUrl,
    browser,
    sessions,
    simulation,
    tenant,
    faults,
    progress,
  });
  return { controlPlanes: tenant.controlPlanes, openings, lists, changes };
}

/** Starts the service with a Postgres that writes down when transactions commit. */
async function startTimedService(ground: Ground, home: string): Promise<Service> {
  // The orders themselves are what comes quickly here, not a tenant that asks too often.
  const environment = { ...process.env, PILOTHOUSE_RATE_LIMIT: "100000" };
  const service = await startService({ ground, home, environment });
  await keepCommitTimes(service.databaseUrls.migrator);
  await service.stopDatabase();
  await service.startDatabase();
  return service;
}

async function conclude(
  measurement: PortalMeasurement,
  surroundings: string,
  { document }: Pick<Options, "document">,
): Promise<void> {
  const report = buildPortalReport(measurement, surroundings);
  print(`\n${report}\n`);
  const { controlPlanes, openings } = measurement;
  const isKept = controlPlanes >= fewestToKeep.controlPlanes && openings >= fewestToKeep.openings;
  if (document && isKept) {
    await writeFile(documentFile, replaceSection(await readFile(documentFile, "utf8"), "load portal", report));
    print("docs/benchmarks.md has it.");
  }
  const verdicts = judgePortal(measurement);
  const failed = verdicts.filter(({ passed }) => !passed).length;
  if (failed > 0) process.exitCode = 1;
  print(`${verdicts.length - failed} passed, ${failed} failed`);
}

async function run(): Promise<void> {
  const options = readOptions();
  if (options === undefined) return print(usage);
  const progress = createProgress(process.stderr);
  if (options.build) {
    progress.say("building the web application");
    await buildWeb(process.env);
  }
  const home = await mkdtemp(join(tmpdir(), "pilothouse-load-"));
  // Postgres runs as a user of its own, who has to come to its folder in here.
  await chmod(home, 0o711);
  const folder = join(home, "simulation");
  const loadBefore = readLoad();
  const parts = await openFleet("load", process.env).readParts();
  const simulation = await spawnSimulation({ folder, block, parts, plan: planLoad(options.controlPlanes) });
  let service: Service | undefined;
  let browser: Browser | undefined;
  try {
    const ground = await readGround(openSimulation(folder));
    service = await startTimedService(ground, home);
    const tenant = await furnish(service, ground, options.controlPlanes, progress);
    browser = await openBrowser(process.env);
    const measurement = await measure({
      service,
      ground,
      simulation,
      tenant,
      browser,
      progress,
      openings: options.openings,
    });
    const sharing = "worker, web server, Postgres, all simulated clusters and the browser";
    await conclude(measurement, describeMachine(sharing, loadBefore), options);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(`${text} (logs are kept in ${home})`, { cause: error });
  } finally {
    await browser?.close();
    await service?.stop();
    await simulation.stop();
  }
  await rm(home, { recursive: true, force: true });
}

try {
  await run();
} catch (error) {
  process.stderr.write(`load:portal: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
