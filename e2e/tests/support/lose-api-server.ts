import { withoutApiServer } from "./api-server.ts";
import { codeOf, readControlPlane } from "./service-ground.ts";
import { waitFor } from "./wait-for.ts";
import {
  askFor,
  change,
  disconnect,
  inspect,
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

/** What became of an operation that was under way when the API server was lost. */
async function seeEnd(stage: Stage, operation: string, backAtMs: number): Promise<{ state: string; afterMs: number }> {
  const { state, finishedAt } = await settle(stage, operation);
  return { state, afterMs: Date.parse(finishedAt ?? "") - backAtMs };
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
  const roundsBefore: Round[] = [];
  for (const name of ["before-0", "before-1"]) roundsBefore.push(await runRound(stage, name));
  const states = await made;

  const [comes, goes, grows] = await Promise.all([
    order(stage, "comes", lost.line),
    remove(stage, "goes"),
    change(stage, "grows", 2),
  ]);
  await Promise.all([comes, goes].map((operation) => waitForSteps(stage, operation, 1)));
  const underWay = [comes, grows, goes];
  const readStates = async () =>
    (await Promise.all(underWay.map((operation) => readOperation(stage, operation)))).map(({ state }) => state);
  const readServing = async () =>
    (await readControlPlane(stage.tenant, "stays")).conditions
      .filter(({ type }) => type === "Ready" || type === "Serving")
      .map(({ type, status }) => `${type} ${status}`);

  const { backAtMs, result: during } = await withoutApiServer(lost.istiodCluster, awayMs, async (isOver) => {
    const seenMs = performance.now();
    await waitFor("the breaker to open", async () => (await readBreaker(stage)) > 0, 30_000);
    const openAfterMs = performance.now() - seenMs;
    const refusal = await codeOf(order(stage, "homeless", lost.line));
    const rounds: Round[] = [];
    while (!isOver.aborted) {
      const round = await runRound(stage, `during-${rounds.length}`);
      const [inTheEnd, serving] = [await readStates(), await readServing()];
      if (isOver.aborted) return { openAfterMs, refusal, rounds, states: inTheEnd, serving };
      rounds.push(round);
      if (inTheEnd.some((state) => state !== "running")) throw new Error(`under way: ${inTheEnd.join(", ")}`);
      if (serving.some((one) => !one.endsWith("True"))) throw new Error(`serving: ${serving.join(", ")}`);
    }
    return { openAfterMs, refusal, rounds };
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
