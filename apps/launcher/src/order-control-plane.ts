import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Client,
  type Cluster,
  type Condition,
  type ControlPlane,
  operations,
  ProblemError,
} from "@pilothouse/contract";
import { demo } from "./credentials.ts";
import type { Ground } from "./fleet.ts";
import { seedOf } from "./register-fleet.ts";

const { tenant, cluster, controlPlane } = demo;

/** How long a connection and a control plane may take, in milliseconds. They take 1 s and 5 s on an idle machine. */
const connectLimitMs = 120_000;
const readyLimitMs = 300_000;
/** A cluster that cannot be seen for so long is connected anew: it may be another one since. */
const blindMs = 30_000;
const pollMs = 500;

interface Order {
  client: Client;
  ground: Ground;
  report: (message: string) => void;
  signal: AbortSignal;
}

/** What is there, or undefined. */
async function readOrGone<Body>(call: Promise<{ body: Body }>): Promise<Body | undefined> {
  try {
    return (await call).body;
  } catch (error) {
    if (error instanceof ProblemError && error.code === "NotFound") return undefined;
    throw error;
  }
}

/** What stands in the way, in the words of the conditions. */
export function describeConditions(conditions: readonly Condition[]): string {
  const wrong = conditions.filter(({ type, status }) => status !== "True" && type !== "Ready");
  const told = wrong.length === 0 ? conditions.filter(({ type }) => type === "Ready") : wrong;
  return told.map(({ type, status, message }) => `${type} is ${status}: ${message}`).join("; ");
}

const isOver = (deadlineMs: number): boolean => performance.now() > deadlineMs;

/**
 * Connects the demo's mesh cluster, or goes on with a connection that was begun; one that no longer leads there is made anew.
 * @throws Error that says why it cannot be connected
 */
export async function connectDemoCluster({ client, ground, report, signal }: Order): Promise<void> {
  const found = ground.status.clusters.find(({ name, kind }) => name === cluster && kind === "mesh");
  if (found === undefined) throw new Error(`The fleet's topology has no mesh cluster ${cluster}.`);
  const kubeconfig = await readFile(found.kubeconfig, "utf8");
  const params = { tenant, cluster };
  const read = (): Promise<Cluster | undefined> => readOrGone(client.call(operations.getCluster, { params, signal }));
  if ((await read()) === undefined) {
    const body = { name: cluster, kind: "gardener", seed: seedOf(found.region), kubeconfig } as const;
    await client.call(operations.connectCluster, { params: { tenant }, body, signal });
  }
  const startedMs = performance.now();
  let isTriedAgain = false;
  for (;;) {
    const state = await read();
    if (state?.phase === "Connected") return;
    report(state === undefined ? "not there yet" : describeConditions(state.conditions));
    const isIdle = state !== undefined && state.operation === null;
    const isLost = state?.phase === "ConnectFailed" || isOver(startedMs + blindMs);
    if (isIdle && isLost && !isTriedAgain) {
      isTriedAgain = true;
      await client.call(operations.retryConnection, { params, body: { kubeconfig }, signal });
    } else if (isOver(startedMs + connectLimitMs) || (isTriedAgain && isIdle && state.phase === "ConnectFailed")) {
      throw new Error(`${cluster} is ${state?.phase ?? "not there"}. ${describeConditions(state?.conditions ?? [])}`);
    }
    await sleep(pollMs, undefined, { signal });
  }
}

/** The newest line that an istiod cluster of the fleet holds. */
export function chooseLine({ status }: Ground): string {
  const lines = status.clusters.flatMap(({ kind, line }) => (kind === "istiod" && line !== undefined ? [line] : []));
  const newest = lines.toSorted((a, b) => b.localeCompare(a, "en", { numeric: true }))[0];
  if (newest === undefined) throw new Error("The fleet's topology has no istiod cluster.");
  return newest;
}

/**
 * Orders the demo's control plane, if it is not there, and waits until it has been proven since `since`: what was true before everything was
 * started again says nothing.
 * @throws Error that says what stands in the way
 */
export async function awaitDemoControlPlane({ client, ground, report, signal }: Order, since: Date): Promise<void> {
  const params = { tenant, controlPlane };
  const read = (): Promise<ControlPlane | undefined> =>
    readOrGone(client.call(operations.getControlPlane, { params, signal }));
  if ((await read()) === undefined) {
    const body = { name: controlPlane, cluster, line: chooseLine(ground) };
    await client.call(operations.createControlPlane, { params: { tenant }, body, signal });
  }
  const deadlineMs = performance.now() + readyLimitMs;
  for (;;) {
    const state = await read();
    const isReady = state?.phase === "Ready" && (await isProvenSince(client, since, signal));
    if (isReady) return;
    const what =
      state?.phase === "Ready" ? "to be proven anew" : describeConditions(state?.conditions ?? []) || "to be begun";
    report(what);
    if (isOver(deadlineMs)) {
      throw new Error(
        `The control plane ${controlPlane} is ${state?.phase ?? "not there"} after ${readyLimitMs / 60_000} minutes. ${what}`,
      );
    }
    await sleep(pollMs, undefined, { signal });
  }
}

async function isProvenSince(client: Client, since: Date, signal: AbortSignal): Promise<boolean> {
  const { body } = await client.call(operations.listRevisions, { params: { tenant, controlPlane }, signal });
  return body.items.some(
    ({ phase, proofs }) =>
      phase === "Ready" &&
      proofs.length > 0 &&
      proofs.every(({ verdict, at }) => verdict === "proven" && Date.parse(at) >= since.getTime()),
  );
}
