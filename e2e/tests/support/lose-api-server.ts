import { findApiServer } from "./api-server.ts";
import { inspect } from "./inspect.ts";
import { codeOf, readControlPlane } from "./service-ground.ts";
import { waitFor } from "./wait-for.ts";
import {
  askFor,
  change,
  disconnect,
  listClusters,
  order,
  readMetric,
  readOperation,
  remove,
  removeFully,
  settle,
  type Stage,
  waitForNoTraces,
  waitForSteps,
} from "./service-stage.ts";

/** The istiod cluster that loses its API server, the line that it alone hosts, and a line that goes on elsewhere. */
const lost = { istiodCluster: "istiod-eu-1-a", line: "1.22" } as const;
const otherLine = "1.32";

const awayMs = { hangingMs: 90_000, refusingMs: 90_000 };
/** No round begins later than this: it takes some 20 s. */
const lastRoundMs = 160_000;

/** How long it took to make, change and remove a control plane, in milliseconds by the service's own clock. */
export interface Round {
  create: number;
  change: number;
  remove: number;
}

async function timeOperation(stage: Stage, operation: string): Promise<number> {
  const { state, kind, message, createdAt, finishedAt } = await settle(stage, operation);
  if (state !== "succeeded" || finishedAt === null) throw new Error(`${kind} ${state}: ${message}`);
  return Date.parse(finishedAt) - Date.parse(createdAt);
}

async function runRound(stage: Stage, name: string): Promise<Round> {
  return {
    create: await timeOperation(stage, await order(stage, name, otherLine)),
    change: await timeOperation(stage, await change(stage, name, 2)),
    remove: await timeOperation(stage, await remove(stage, name)),
  };
}

/** What became of an operation that was under way when the API server was lost; times in milliseconds from when that was started again. */
async function seeEnd(stage: Stage, operation: string, backAtMs: number) {
  const { state, steps, finishedAt } = await settle(stage, operation);
  const taken = steps.map((step) => ({ name: step.name, afterMs: Date.parse(step.finishedAt) - backAtMs }));
  const endedAfterMs = Date.parse(finishedAt ?? "") - backAtMs;
  const wentOnAfterMs = taken.find(({ afterMs }) => afterMs > 0)?.afterMs ?? endedAfterMs;
  return { state, wentOnAfterMs, endedAfterMs, taken };
}

const readBreaker = (stage: Stage): Promise<number> =>
  readMetric(stage, stage.service.workerHealthUrl, `pilothouse_breaker_state{shard="${lost.istiodCluster}"}`);

/**
 * Loses an istiod cluster's API server for three minutes while a control plane is being made there, another changed, and a third removed, and
 * while others are made, changed and removed elsewhere again and again.
 */
export async function loseApiServer(stage: Stage) {
  const before = await listClusters(stage);
  const make = async (name: string) => (await settle(stage, await order(stage, name, lost.line))).state;
  const made = Promise.all(["stays", "grows", "goes"].map(make));
  // A failure is told where it is waited for.
  made.catch(() => undefined);
  const roundsBefore: Round[] = [];
  for (const name of ["before-0", "before-1"]) roundsBefore.push(await runRound(stage, name));
  const states = await made;

  const apiServer = await findApiServer(lost.istiodCluster);
  const [grows, goes, comes] = await Promise.all([
    change(stage, "grows", 2),
    remove(stage, "goes"),
    order(stage, "comes", lost.line),
  ]);
  await waitForSteps(stage, comes, 1);
  const underWay = [comes, grows, goes];
  const readStates = async () =>
    (await Promise.all(underWay.map((operation) => readOperation(stage, operation)))).map(({ state }) => state);
  const readServing = async () =>
    (await readControlPlane(stage.tenant, "stays")).conditions
      .filter(({ type }) => type === "Ready" || type === "Serving")
      .map(({ type, status }) => `${type} ${status}`);

  const { backAtMs, result: during } = await apiServer.takeAway(awayMs, async () => {
    const sinceMs = performance.now();
    const atFault = await readStates();
    await waitFor("the breaker to open", async () => (await readBreaker(stage)) > 0, 30_000);
    const openAfterMs = performance.now() - sinceMs;
    const refusal = await codeOf(order(stage, "homeless", lost.line));
    const rounds: Round[] = [];
    while (performance.now() - sinceMs < lastRoundMs) {
      rounds.push(await runRound(stage, `during-${rounds.length}`));
      const [inBetween, serving] = [await readStates(), await readServing()];
      if (performance.now() - sinceMs > awayMs.hangingMs + awayMs.refusingMs) break;
      if (inBetween.some((state) => state !== "running")) throw new Error(`under way: ${inBetween.join(", ")}`);
      if (serving.some((one) => !one.endsWith("True"))) throw new Error(`serving: ${serving.join(", ")}`);
    }
    return { atFault, openAfterMs, refusal, rounds };
  });

  const ends = {
    comes: await seeEnd(stage, comes, backAtMs),
    grows: await seeEnd(stage, grows, backAtMs),
    goes: await seeEnd(stage, goes, backAtMs),
  };
  // Its kubelet had gone for three minutes as well, as far as the API server knows.
  for (const name of ["stays", "comes", "grows"])
    await waitFor(`${name} to be Ready`, async () => (await inspect(stage, name)).phase === "Ready", 60_000);
  const planes = {
    stays: await inspect(stage, "stays"),
    comes: await inspect(stage, "comes"),
    grows: await inspect(stage, "grows"),
  };
  const goneAs = await askFor(stage, "goes");
  const breaker = await readBreaker(stage);
  const removed = await Promise.all(["stays", "comes", "grows"].map((name) => removeFully(stage, name)));
  const disconnected = await disconnect(stage);
  await waitForNoTraces(stage, before);
  const corrections = await readMetric(stage, stage.service.workerHealthUrl, "pilothouse_sweep_corrections_total");
  return { states, roundsBefore, during, ends, planes, goneAs, breaker, removed, disconnected, corrections };
}
