import { setTimeout as sleep } from "node:timers/promises";
import {
  ConnectionError,
  type Operation,
  operations,
  ProblemError,
  type WatchedEvent,
  watchEvents,
} from "@pilothouse/contract";
import { createJobQueue } from "@pilothouse/core";
import type { KubeClient } from "@pilothouse/provisioner";
import type { Service } from "../../src/service.ts";
import { adminClient } from "./mesh.ts";
import { compareObjects, listAllObjects } from "./objects.ts";
import { startRedis, type TestRedis } from "./redis.ts";
import {
  codeOf,
  connectOverRest,
  makeTenant,
  readControlPlane,
  startTestService,
  type TestTenant,
} from "./service-ground.ts";
import { type DatabaseTrace, type KnownSecret, type RestTrace, traceDatabase, traceRest } from "./service-trace.ts";
import { waitFor } from "./wait-for.ts";

/** A service of its own with a tenant and a connected cluster, of which everything is kept that could give a secret away. */
export interface Stage {
  service: Service;
  tenant: TestTenant;
  cluster: string;
  mesh: KubeClient;
  /** Administrators' clients of the istiod clusters that are used, by name. */
  hosts: ReadonlyMap<string, KubeClient>;
  /** Where the queue is, when it is not on Postgres. */
  redis: TestRedis | undefined;
  rest: RestTrace;
  rows: DatabaseTrace;
  /** What tenants' clusters and istiods log in with, as it is found in the istiod clusters. */
  istiodTokens: KnownSecret[];
  /** Metrics of workers, as they were read. */
  metrics: Set<string>;
  /** Events of the tenant from before its cluster was connected on, as a watcher saw them. */
  seen: WatchedEvent[];
  /** Ends everything; the traces stay. */
  close: () => Promise<void>;
}

export interface StageOptions {
  cluster: string;
  /** Near which control planes are placed. */
  seed: string;
  hosts: readonly string[];
  queue: "Postgres" | "Redis";
  /** Has the database log every statement with its parameters. */
  statements: boolean;
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const { cluster, seed, queue, statements } = options;
  const redis = queue === "Redis" ? await startRedis() : undefined;
  const rest = traceRest();
  const service = await startTestService({
    fetch: rest.fetch,
    ...(redis === undefined ? {} : { redisUrl: redis.url }),
  });
  const rows = await traceDatabase(service, { statements });
  const tenant = await makeTenant(service, "acme");
  const watching = new AbortController();
  const seen: WatchedEvent[] = [];
  const opened = Promise.withResolvers<undefined>();
  const watch = (async () => {
    const { signal } = watching;
    for await (const event of watchEvents(tenant.client, {
      tenant: tenant.name,
      signal,
      onOpen: () => opened.resolve(undefined),
    }))
      seen.push(event);
  })();
  await Promise.race([opened.promise, watch]);
  await connectOverRest(tenant, cluster, seed);
  const hosts = new Map<string, KubeClient>();
  for (const name of options.hosts) hosts.set(name, await adminClient(name));
  return {
    service,
    tenant,
    cluster,
    mesh: await adminClient(cluster),
    hosts,
    redis,
    rest,
    rows,
    istiodTokens: [],
    metrics: new Set(),
    seen,
    async close() {
      watching.abort();
      await watch;
      await rows.close();
      await service.stop();
      await redis?.kill();
    },
  };
}

/** Whether the service only said that it can't answer now, or said nothing: what any client meets while a part of it is away. */
const isPassing = (error: unknown): boolean =>
  error instanceof ConnectionError || (error instanceof ProblemError && error.status === 503);

/** Calls again while the service can't answer, for a minute at most. */
export async function persist<Result>(call: () => Promise<Result>): Promise<Result> {
  const endMs = performance.now() + 60_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isPassing(error) || performance.now() > endMs) throw error;
      await sleep(200);
    }
  }
}

/** Reads an operation, also while parts of the service are away for a moment. */
export function readOperation({ tenant }: Stage, operation: string): Promise<Operation> {
  return persist(
    async () =>
      (await tenant.client.call(operations.getOperation, { params: { tenant: tenant.name, operation } })).body,
  );
}

/** Reads an operation until it has so many steps behind it, or has ended. */
export async function waitForSteps(stage: Stage, operation: string, count: number): Promise<Operation> {
  for (;;) {
    const read = await readOperation(stage, operation);
    if (read.steps.length >= count || read.state !== "running") return read;
    await sleep(25);
  }
}

/** Reads an operation until it has ended. */
export async function settle(stage: Stage, operation: string, timeoutMs = 90_000): Promise<Operation> {
  let last = await readOperation(stage, operation);
  await waitFor(
    `${last.kind} of ${last.object.name} to end`,
    async () => {
      last = await readOperation(stage, operation);
      return last.state !== "running";
    },
    timeoutMs,
  );
  return last;
}

let orders = 0;

/** Orders a control plane, once however often it has to be asked for, and answers the operation. */
export function order({ tenant, cluster }: Stage, name: string, line: string): Promise<string> {
  orders += 1;
  const idempotencyKey = `order-${orders}`;
  return persist(async () => {
    const { body } = await tenant.client.call(operations.createControlPlane, {
      params: { tenant: tenant.name },
      body: { name, cluster, line },
      idempotencyKey,
    });
    return body.operation.id;
  });
}

/** Asks for another number of istiods, and answers the operation. */
export async function change({ tenant }: Stage, name: string, replicas: number): Promise<string> {
  const { body } = await tenant.client.call(operations.changeControlPlane, {
    params: { tenant: tenant.name, controlPlane: name },
    body: { replicas },
    ifMatch: "*",
  });
  if (!("resource" in body)) throw new Error(`control plane ${name} has ${replicas} istiods already`);
  return body.operation.id;
}

/** Asks for a control plane's removal, and answers the operation. */
export async function remove({ tenant }: Stage, name: string): Promise<string> {
  const params = { tenant: tenant.name, controlPlane: name };
  return (await tenant.client.call(operations.deleteControlPlane, { params })).body.operation.id;
}

/** Removes a control plane, and waits until it is gone. */
export const removeFully = async (stage: Stage, name: string): Promise<string> =>
  (await settle(stage, await remove(stage, name))).state;

/** Disconnects the cluster, and waits until that is done. */
export async function disconnect(stage: Stage): Promise<string> {
  const { tenant, cluster } = stage;
  const params = { tenant: tenant.name, cluster };
  const { body } = await tenant.client.call(operations.disconnectCluster, { params });
  return (await settle(stage, body.operation.id)).state;
}

/** Takes away whatever a failure left in the clusters, as far as that goes: tests that come later use them, too. */
export async function abandon(stage: Stage): Promise<void> {
  const { tenant } = stage;
  const { body } = await tenant.client.call(operations.listControlPlanes, { params: { tenant: tenant.name } });
  await Promise.allSettled(body.items.map(({ name }) => remove(stage, name)));
  const isEmpty = async (): Promise<boolean> =>
    (await tenant.client.call(operations.listControlPlanes, { params: { tenant: tenant.name } })).body.items.length ===
    0;
  await waitFor("all control planes to be gone", isEmpty, 60_000);
  await disconnect(stage);
}

/** Ids of all the tenant's events from the first that a watcher saw on, in order, as they are listed. */
export async function listEventIds({ tenant, seen }: Stage): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: 100, ...(cursor === undefined ? {} : { cursor }) };
    const { body } = await tenant.client.call(operations.listEvents, { params: { tenant: tenant.name }, query });
    ids.push(...body.items.map(({ id }) => id));
    cursor = body.nextCursor ?? undefined;
  } while (cursor !== undefined);
  ids.reverse();
  return ids.slice(ids.indexOf(seen[0]?.id ?? ""));
}

/** "NotFound" when a control plane is gone. */
export const askFor = ({ tenant }: Stage, name: string): Promise<string> => codeOf(readControlPlane(tenant, name));

/** Keeps the tokens that istiods have now. */
export async function keepIstiodTokens({ hosts, istiodTokens }: Stage): Promise<void> {
  for (const client of hosts.values()) {
    for (const { metadata, data } of await client.list({ apiVersion: "v1", kind: "Secret" })) {
      if (metadata.name !== "istio-kubeconfig" || typeof data !== "object" || data === null) continue;
      const value = Buffer.from(String(Reflect.get(data, "token")), "base64").toString("utf8");
      const name = `token of istiod ${metadata.namespace ?? ""}`;
      if (!istiodTokens.some((token) => token.value === value))
        istiodTokens.push({ kind: "istiod token", name, value });
    }
  }
}

/** Lists everything in the clusters, to compare with later. */
export async function listClusters({ mesh, hosts }: Stage): Promise<string[]> {
  return (await Promise.all([mesh, ...hosts.values()].map((client) => listAllObjects(client)))).flat();
}

/** What stays on purpose: definitions of Istio's kinds with their API groups, and the mesh's certificate authority in its namespace. */
const isKept = (name: string): boolean =>
  /(CustomResourceDefinition|APIService) .*\.istio\.io /.test(name) ||
  /^v1 (Secret istio-system\/istio-ca-secret|Namespace istio-system|ServiceAccount istio-system\/default|ConfigMap istio-system\/kube-root-ca\.crt) /.test(
    name,
  );

/** Waits until the clusters hold no more than before, save what is kept on purpose. */
export async function waitForNoTraces(stage: Stage, before: string[]): Promise<void> {
  let added: string[] = [];
  await waitFor(
    "the clusters to hold no more than before",
    async () => {
      ({ added } = compareObjects(before, await listClusters(stage)));
      added = added.filter((name) => !isKept(name));
      return added.length === 0;
    },
    45_000,
  ).catch((error: unknown) => {
    throw new Error(`left in the clusters: ${added.join("; ")}`, { cause: error });
  });
}

/** Value of a metric of a worker, all its labels together. */
export async function readMetric({ metrics }: Stage, healthUrl: string, name: string): Promise<number> {
  const text = await (await fetch(`${healthUrl}/metrics`)).text();
  metrics.add(text);
  const values = text
    .split("\n")
    .filter((line) => line.startsWith(name))
    .map((line) => Number(line.split(" ").at(-1)));
  if (values.length === 0) throw new Error(`the worker has no metric ${name}`);
  return values.reduce((sum, value) => sum + value, 0);
}

/** Empties the queue: jobs that wait are gone, and nobody is told. */
export async function emptyQueue({ redis, rows }: Stage): Promise<void> {
  if (redis === undefined) await rows.database.$queryRawUnsafe("SELECT bullmq.drain('pilothouse', true)::text");
  else await redis.send("FLUSHALL");
}

/** How many jobs nobody has taken, or, unless `state` is `waiting`, nobody is done with. */
export async function countJobs({ redis, rows }: Stage, state?: "waiting"): Promise<number> {
  const states = state === undefined ? ["waiting", "active"] : [state];
  if (redis === undefined) {
    const text = "SELECT 1 FROM bullmq.job WHERE queue = 'pilothouse' AND state::text = ANY ($1)";
    return (await rows.database.$queryRawUnsafe<unknown[]>(text, states)).length;
  }
  const lists = states.map((one) => (one === "waiting" ? "wait" : one));
  const lengths = await Promise.all(lists.map((list) => redis.send(`LLEN bull:pilothouse:${list}`)));
  return lengths.reduce((sum, length) => sum + Number(length.replace(":", "")), 0);
}

/** Waits until a job that is put into the queue now is taken out of it: both ends of it work. */
export async function proveQueue(stage: Stage, id: string): Promise<void> {
  const { service, redis } = stage;
  const queue = createJobQueue({ databaseUrl: service.databaseUrls.web, redisUrl: redis?.url });
  const put = (): Promise<boolean> =>
    queue.wake({ kind: "cluster", id }).then(
      () => true,
      () => false,
    );
  try {
    // A new connection may need longer than a wake has.
    await waitFor("a job to be put into the queue", put, 10_000);
    await waitFor("a job to be taken out of the queue", async () => (await countJobs(stage)) === 0, 15_000);
  } finally {
    await queue.close();
  }
}
