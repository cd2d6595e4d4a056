import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { reconcileSteps } from "@pilothouse/provisioner";
import { listDnsRecords } from "./dns-records.ts";
import { inspect } from "./inspect.ts";
import { codeOf, readControlPlane } from "./service-ground.ts";
import {
  askFor,
  change,
  countJobs,
  disconnect,
  emptyQueue,
  keepIstiodTokens,
  listClusters,
  listEventIds,
  order,
  proveQueue,
  readMetric,
  readOperation,
  remove,
  removeFully,
  settle,
  type Stage,
  waitForNoTraces,
  waitForSteps,
} from "./service-stage.ts";
import { waitFor } from "./wait-for.ts";

const line = "1.32";
const futureWorker = join(import.meta.dirname, "future-worker.ts");
/** Past 60 % of the day that tokens live. */
const aheadMs = 17 * 3_600_000;
const corrections = "pilothouse_sweep_corrections_total";

/**
 * Empties the queue while a control plane is being made, when it certainly holds something, and then again and again until that and another one
 * are made and removed.
 */
export async function loseJobs(stage: Stage) {
  const { worker, workerHealthUrl } = stage.service;
  const made = await order(stage, "emptied", line);
  const { state: atFault } = await waitForSteps(stage, made, 3);
  worker.signal("SIGSTOP");
  const unheard = await order(stage, "unheard", line);
  const waiting = await countJobs(stage);
  await emptyQueue(stage);
  // A job that the sleeping worker has in its hands is no more in the queue, and stays.
  const left = await countJobs(stage, "waiting");
  worker.signal("SIGCONT");
  const done = new AbortController();
  const emptying = (async () => {
    while (!done.signal.aborted) {
      await emptyQueue(stage);
      await sleep(20);
    }
  })();
  try {
    const ends = [await settle(stage, made), await settle(stage, unheard)].map(({ state }) => state);
    const planes = [await inspect(stage, "emptied"), await inspect(stage, "unheard")];
    const removed = await Promise.all(["emptied", "unheard"].map((name) => removeFully(stage, name)));
    return {
      atFault,
      waiting,
      left,
      ends,
      planes,
      removed,
      corrected: await readMetric(stage, workerHealthUrl, corrections),
    };
  } finally {
    done.abort();
    await emptying;
    await proveQueue(stage, "after-emptying");
  }
}

/** Has a fault come while a control plane is being made, and again while it is being removed. */
export async function loseInBetween(stage: Stage, name: string, fault: () => Promise<void>) {
  const made = await order(stage, name, line);
  const { state: whileMade } = await waitForSteps(stage, made, 3);
  await fault();
  const { state: created } = await settle(stage, made);
  const plane = await inspect(stage, name);
  const gone = await remove(stage, name);
  const { state: whileRemoved } = await waitForSteps(stage, gone, 1);
  await fault();
  const { state: removed } = await settle(stage, gone);
  await proveQueue(stage, `after-${name}`);
  const corrected = await readMetric(stage, stage.service.workerHealthUrl, corrections);
  return { atFault: [whileMade, whileRemoved], created, plane, removed, after: await askFor(stage, name), corrected };
}

export async function restartDatabase({ service }: Stage): Promise<void> {
  await service.stopDatabase();
  await sleep(1_000);
  await service.startDatabase();
}

export async function restartRedis({ redis }: Stage): Promise<void> {
  await redis?.kill();
  await sleep(1_000);
  await redis?.start();
}

/** Deletes a control plane right after a step of its making, and tries to change it then. */
export async function deleteAfter(stage: Stage, step: (typeof reconcileSteps)[number]) {
  const name = `gone-${step.toLowerCase()}`;
  const made = await order(stage, name, line);
  await waitFor(
    `${step} of ${name}`,
    async () => (await readOperation(stage, made)).steps.some((taken) => taken.name === step),
    60_000,
  );
  const gone = await remove(stage, name);
  const changed = await codeOf(change(stage, name, 2));
  const { state: removed } = await settle(stage, gone);
  return { created: (await readOperation(stage, made)).state, changed, removed, after: await askFor(stage, name) };
}

/**
 * Pauses the worker while it makes a control plane, until another has made it, has begun to change it and has taken it away; then lets the first go on.
 */
export async function pauseWorker(stage: Stage) {
  const { service, rows } = stage;
  const made = await order(stage, "paused", line);
  const { state: atFault } = await waitForSteps(stage, made, 4);
  service.worker.signal("SIGSTOP");
  const other = await service.startWorker("other");
  const { state: created } = await settle(stage, made);
  const plane = await inspect(stage, "paused");
  const [revision = ""] = (await readControlPlane(stage.tenant, "paused")).revisions;
  const changing = await change(stage, "paused", 2);
  const { state: removed } = await settle(stage, await remove(stage, "paused"));
  const { state: changed } = await readOperation(stage, changing);
  const findTraces = async (): Promise<string[]> => [
    ...[...(await listClusters(stage)), ...(await listDnsRecords())].filter((one) => one.includes(revision)),
    ...(
      await rows.database.$queryRawUnsafe<{ text: string }[]>(
        "SELECT source || ' ' || content AS text FROM trace.rows WHERE content::text LIKE '%' || $1 || '%' OR content::text LIKE '%' || $2 || '%'",
        revision,
        made,
      )
    ).map(({ text }) => text),
  ];
  const before = await findTraces();
  service.worker.signal("SIGCONT");
  await sleep(4_000);
  const after = await findTraces();
  const isUp = (await fetch(`${service.workerHealthUrl}/readyz`)).ok;
  const corrected =
    (await readMetric(stage, other.healthUrl, corrections)) +
    (await readMetric(stage, service.workerHealthUrl, corrections));
  await other.stop();
  const isInClusters = (one: string): boolean => !/^(public|bullmq)\./.test(one);
  return {
    atFault,
    created,
    plane,
    changed,
    removed,
    left: before.filter(isInClusters),
    late: after.filter((one) => !before.includes(one)),
    isUp,
    corrected,
  };
}

/** Renews Pilothouse's token and an istiod's, so that there are two of each, and takes everything away. The worker that did it goes on. */
export async function renewTokens(stage: Stage) {
  const { service, rows, seen, istiodTokens } = stage;
  const { state: created } = await settle(stage, await order(stage, "renewed", line));
  const plane = await inspect(stage, "renewed");
  const [revision = ""] = (await readControlPlane(stage.tenant, "renewed")).revisions;
  await service.worker.stop();
  // istiod's next token lives so long that it is not due at once, too.
  const environment = { AHEAD_MS: String(aheadMs), PILOTHOUSE_ISTIOD_TOKEN_SECONDS: String(20 * 86_400) };
  const future = await service.startWorker("future", { program: futureWorker, environment });
  await rows.database.$executeRawUnsafe("UPDATE work_items SET wakes = wakes + 1, next_reconcile_at = now()");
  const isRenewed = async (): Promise<boolean> => seen.some(({ type }) => type === "cluster.token-renewed");
  await waitFor("Pilothouse's token to be renewed", isRenewed, 30_000);
  const listTokens = () => istiodTokens.filter(({ name }) => name.includes(revision));
  const isReplaced = async (): Promise<boolean> => {
    await keepIstiodTokens(stage);
    return listTokens().length > 1;
  };
  await waitFor("istiod's token to be replaced", isReplaced, 30_000);
  const removed = await removeFully(stage, "renewed");
  await readMetric(stage, future.healthUrl, corrections);
  return { created, plane, removed, istiodTokens: listTokens().length, stop: () => future.stop() };
}

/** Disconnects the cluster; answers how that ended, and the events that a watcher saw beside those that are listed. */
export async function leave(stage: Stage, before: string[]) {
  const disconnected = await disconnect(stage);
  await waitForNoTraces(stage, before);
  const listed = await listEventIds(stage);
  await waitFor("the watcher to see the last event", async () => stage.seen.at(-1)?.id === listed.at(-1), 20_000);
  return { disconnected, seen: stage.seen.map(({ id }) => id), listed };
}
