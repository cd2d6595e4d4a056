import { setTimeout as sleep } from "node:timers/promises";
import { operations } from "@pilothouse/contract";
import { connectDatabase, type Database } from "@pilothouse/core";
import type { Browser, BrowserContext, Page } from "@playwright/test";
import type { SimulationProcess } from "../simulation/open-simulation.ts";
import { type Delays, findDelays } from "./find-delays.ts";
import { type Change, followDetail, followList, readChanges, type Sighting } from "./follow-changes.ts";
import type { LoadTenant } from "./populate.ts";
import type { Progress } from "./progress.ts";

export type Session = Awaited<ReturnType<BrowserContext["storageState"]>>;

/** What is taken away: the API servers of some mesh clusters, one after the other, or an edge with all control planes behind it. */
export interface Faults {
  /** Control planes whose mesh clusters go, in the order of their names: the first rows of the list. */
  single: { id: string; name: string; meshCluster: string }[];
  /** An istiod cluster, and the control planes that it hosts. */
  edge: { istiodCluster: string; hosted: { id: string; name: string }[] };
}

export interface ChangeOptions {
  baseUrl: string;
  migratorUrl: string;
  browser: Browser;
  sessions: Record<"member" | "operator", Session>;
  simulation: SimulationProcess;
  tenant: LoadTenant;
  faults: Faults;
  progress: Progress;
}

/** With the database to read the changes from. */
type PlayOptions = Omit<ChangeOptions, "migratorUrl"> & { database: Database };

/** How long changes took to where somebody sees them. */
export interface MeasuredView {
  name: string;
  delays: Delays;
}

export interface ChangeMeasurement {
  views: MeasuredView[];
  /** For the same changes: a program that reads the whole list over REST every few seconds. */
  polled: Delays;
}

/** What somebody does who has no events. */
export const pollIntervalMs = 5_000;
const rounds = 2;
const gapMs = 400;
const lookMs = 500;
const limitMs = 180_000;
const pageSize = 100;
/** High enough for all rows that are looked at. */
const viewport = { width: 1_440, height: 1_600 };

interface View {
  name: string;
  ids: ReadonlySet<string>;
  only?: string;
  read: () => Promise<Sighting[]>;
}

/** Opens pages that look at control planes, each in a browser of its own as different people would have them, and has the same clusters fail and come back. */
export async function measureChanges({ migratorUrl, ...rest }: ChangeOptions): Promise<ChangeMeasurement> {
  const { tenant, faults } = rest;
  const database = connectDatabase(migratorUrl, 1);
  const options = { ...rest, database };
  const contexts: BrowserContext[] = [];
  try {
    const views = await openViews(options, contexts);
    const sinceMs = Date.now();
    const polling = startPolling(tenant);
    for (let round = 0; round < rounds; round += 1) {
      await playSingle(options, sinceMs);
      await playEdge(options, sinceMs);
    }
    // Whoever polls comes to see the last of it, too.
    await sleep(2 * pollIntervalMs);
    const polled = await polling.stop();
    const changes = await readChanges(database, sinceMs);
    const watched = new Set([...faults.single, ...faults.edge.hosted].map(({ id }) => id));
    const of = (ids: ReadonlySet<string>): Change[] => changes.filter(({ id }) => ids.has(id));
    const measured: MeasuredView[] = [];
    for (const { name, ids, only, read } of views)
      measured.push({ name, delays: findDelays(of(ids), await read(), only) });
    return { views: measured, polled: findDelays(of(watched), polled) };
  } finally {
    for (const context of contexts) await context.close();
    await database.$disconnect();
  }
}

async function openViews(
  { baseUrl, browser, sessions, tenant, faults: { single, edge } }: PlayOptions,
  contexts: BrowserContext[],
): Promise<View[]> {
  const open = async (as: "member" | "operator", path: string): Promise<Page> => {
    const context = await browser.newContext({ viewport, storageState: sessions[as] });
    contexts.push(context);
    const page = await context.newPage();
    await page.goto(baseUrl + path);
    await page.locator("[data-live=live]").waitFor();
    await page.locator("tbody tr, [role=tablist], input[type=search]").first().waitFor();
    return page;
  };
  const list = `/tenants/${tenant.name}/control-planes`;
  const hosted = new Set(edge.hosted.map(({ id }) => id));
  const ofList = async (name: string, page: Page, ids: ReadonlySet<string>, only?: string): Promise<View> => ({
    name,
    ids,
    ...(only === undefined ? {} : { only }),
    read: await followList(page),
  });
  const views = [
    await ofList("tenant, all control planes", await open("member", list), new Set(single.map(({ id }) => id))),
    await ofList("tenant, `phase:degraded`", await open("member", `${list}?q=phase:degraded`), hosted, "Degraded"),
    await ofList(
      "operator, placement, one istiod cluster",
      await open("operator", `/admin/placement?q=istiod:${edge.istiodCluster}`),
      hosted,
    ),
  ];
  for (const { id, name } of [...single.slice(0, 2), ...edge.hosted.slice(0, 2)]) {
    const page = await open("member", `${list}/${name}?tab=conditions`);
    await page.locator("[data-condition=Ready]").waitFor();
    views.push({ name: "control plane, its conditions", ids: new Set([id]), read: await followDetail(page, id) });
  }
  return views;
}

/** Takes API servers away one by one, and gives them back. */
async function playSingle({ simulation, faults: { single }, ...rest }: PlayOptions, sinceMs: number): Promise<void> {
  for (const isOpen of [false, true]) {
    for (const { meshCluster } of single) {
      await simulation.setOpen(meshCluster, isOpen);
      await sleep(gapMs);
    }
    const what = isOpen ? "API servers are seen again" : "API servers are missed";
    await waitForPhases(rest, { ids: single.map(({ id }) => id), isReady: isOpen, what, sinceMs });
  }
}

/** Takes an edge away from all its control planes at once, and gives it back. */
async function playEdge({ simulation, faults: { edge }, ...rest }: PlayOptions, sinceMs: number): Promise<void> {
  for (const isOpen of [false, true]) {
    await simulation.setOpen(edge.istiodCluster, isOpen);
    const what = isOpen ? "control planes behind the edge serve again" : "control planes behind the edge fail";
    await waitForPhases(rest, { ids: edge.hosted.map(({ id }) => id), isReady: isOpen, what, sinceMs });
  }
}

async function waitForPhases(
  { database, progress }: Pick<PlayOptions, "database" | "progress">,
  { ids, isReady, what, sinceMs }: { ids: string[]; isReady: boolean; what: string; sinceMs: number },
): Promise<void> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const phases = new Map((await readChanges(database, sinceMs)).map(({ id, phase }) => [id, phase]));
    const done = ids.filter((id) => ((phases.get(id) ?? "Ready") === "Ready") === isReady).length;
    progress.show(what, done, ids.length);
    if (done === ids.length) return;
    if (performance.now() > endMs) throw new Error(`${what}: ${done} of ${ids.length} after ${limitMs / 1_000} s`);
    await sleep(lookMs);
  }
}

/** Reads the whole list over REST again and again, as somebody does who has no events. */
function startPolling({ name, client }: LoadTenant): { stop: () => Promise<Sighting[]> } {
  const sightings: Sighting[] = [];
  const shown = new Map<string, string>();
  const ending = new AbortController();
  const readAll = async (): Promise<void> => {
    for (let cursor: string | undefined; ;) {
      const query = { limit: pageSize, ...(cursor === undefined ? {} : { cursor }) };
      const { body } = await client.call(operations.listControlPlanes, { params: { tenant: name }, query });
      const atMs = Date.now();
      for (const { id, phase } of body.items) {
        if (shown.get(id) !== phase) sightings.push({ id, phase, atMs });
        shown.set(id, phase);
      }
      if (body.nextCursor === null) return;
      cursor = body.nextCursor;
    }
  };
  const poll = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const beganMs = performance.now();
      await readAll();
      const restMs = Math.max(0, pollIntervalMs - (performance.now() - beganMs));
      await sleep(restMs, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  };
  const polling = poll();
  // Whoever stops it hears of it.
  polling.catch(() => undefined);
  return {
    async stop() {
      ending.abort();
      await polling;
      return sightings;
    },
  };
}
