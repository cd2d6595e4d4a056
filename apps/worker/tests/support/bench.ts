import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type RunningWorker, startWorker, type WorkerOptions } from "../../src/worker.ts";
import { createFakeProvisioner, type FakeProvisioner } from "./fake-provisioner.ts";
import { type Redis, startRedis } from "./redis.ts";
import { openSeeder, type Seeder } from "./seed.ts";
import { startTestDatabase, type TestDatabase } from "./test-database.ts";

/** Workers on a real database and queue, with no clusters behind them. */
export interface Bench {
  server: TestDatabase;
  seeder: Seeder;
  /** Folder of the workers' private keys. */
  keysFolder: string;
  /** What the workers of this test act through. */
  provisioner: () => FakeProvisioner;
  /** What the workers of this test have logged. */
  logged: string[];
  /** The queue is there when set, and on Postgres otherwise. */
  redisUrl: string | undefined;
  launch: (more?: Partial<WorkerOptions>) => Promise<RunningWorker>;
  /** Waits until it holds; answers how long that took, in milliseconds. */
  until: (what: string, holds: () => Promise<boolean>, timeoutMs?: number) => Promise<number>;
  has: (text: string, values: unknown[]) => Promise<boolean>;
  isState: (operationId: string, state: string) => Promise<boolean>;
  isStatus: (objectId: string, type: string, status: string) => Promise<boolean>;
  /** A control plane in a connected cluster of a tenant of its own. */
  createOne: (name: string, istiodCluster?: string) => Promise<Ordered>;
  readCounter: (worker: RunningWorker, name: string) => Promise<number>;
  /** Ends a test's workers and takes its rows away. */
  clear: () => Promise<void>;
  remove: () => Promise<void>;
}

export interface Ordered {
  tenantId: string;
  clusterId: string;
  controlPlaneId: string;
  revisionId: string;
  operationId: string;
}

const kubeconfigOf = (name: string): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name, cluster: { server: `https://${name}.example.test:6443` } }],
    users: [{ name, user: { token: `token-${name}` } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });

/** Where queues are kept. */
export type QueueStore = "Postgres" | "Redis";

/** Where they are in tests for which it makes no difference: with `PILOTHOUSE_TEST_QUEUE=Redis` all of them run on the other one. */
const usualStore: QueueStore = process.env["PILOTHOUSE_TEST_QUEUE"] === "Redis" ? "Redis" : "Postgres";

export async function openBench(store = usualStore): Promise<Bench> {
  const server = await startTestDatabase();
  const redis: Redis | undefined = store === "Redis" ? await startRedis() : undefined;
  const redisUrl = redis?.url;
  const seeder = await openSeeder(server.urls.migrator);
  const keysFolder = await mkdtemp(join(tmpdir(), "pilothouse-keys-"));
  let provisioner = createFakeProvisioner();
  const logged: string[] = [];
  let workers: RunningWorker[] = [];

  const has: Bench["has"] = async (text, values) => (await seeder.query(text, values)).length > 0;
  const bench: Bench = {
    server,
    seeder,
    keysFolder,
    provisioner: () => provisioner,
    logged,
    redisUrl,
    async launch(more = {}) {
      const worker = await startWorker({
        databaseUrl: server.urls.worker,
        ...(redisUrl === undefined ? {} : { redisUrl }),
        sealingKeys: keysFolder,
        provider: { domain: "cp.example.test", allowedApiServerRanges: [], helm: "helm" },
        dns: { publish: async () => undefined, withdraw: async () => undefined },
        provisioner,
        http: { host: "127.0.0.1", port: 0 },
        limits: { overall: 8, perShard: 3 },
        sentinels: { most: 100, mostLooking: 10 },
        janitor: "report",
        drainMs: 2_000,
        tokenLifetimeSeconds: 3_600,
        log: (level, message, fields) => void logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
        ...more,
      });
      const stop = async (): Promise<void> => {
        workers = workers.filter((one) => one !== running);
        await worker.stop();
      };
      const running = { ...worker, stop };
      workers.push(running);
      return running;
    },
    async until(what, holds, timeoutMs = 15_000) {
      const startedMs = performance.now();
      while (!(await holds())) {
        if (performance.now() - startedMs > timeoutMs)
          throw new Error(`still not so after ${timeoutMs} ms: ${what}\n${logged.join("\n")}`);
        await sleep(25);
      }
      return performance.now() - startedMs;
    },
    has,
    isState: (id, state) => has("SELECT 1 FROM operations WHERE id = $1::uuid AND state = $2", [id, state]),
    isStatus: (id, type, status) =>
      has("SELECT 1 FROM conditions WHERE object_id = $1 AND type = $2 AND status = $3", [id, type, status]),
    async createOne(name, istiodCluster = "i-a") {
      const { id: tenantId } = await seeder.createTenant();
      const clusterId = await seeder.connectCluster(tenantId, { kubeconfig: `kubeconfig of ${tenantId}` });
      await bench.until("the cluster is connected", () => bench.isStatus(clusterId, "Connected", "True"));
      const order = { tenantId, clusterId, name, version: "1.32.1", line: "1.32", istiodCluster };
      return { ...(await seeder.createControlPlane(order)), tenantId, clusterId };
    },
    async readCounter({ port }, name) {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      const values = text.split("\n").filter((line) => line.startsWith(name));
      return values.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    },
    async clear() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await seeder.query(
        "TRUNCATE work_items, conditions, operation_steps, operations, revisions, control_planes, mesh_clusters, events, usage_samples, istiod_loads CASCADE",
      );
      await seeder.query("DELETE FROM sealed_secrets WHERE tenant_id IS NOT NULL");
      await seeder.query(
        "UPDATE istiod_clusters SET reserved_slots = 0, reserved_cpu_milli = 0, reserved_memory_mib = 0",
      );
      provisioner = createFakeProvisioner();
      logged.length = 0;
    },
    async remove() {
      await seeder.close();
      await server.remove();
      await redis?.stop();
      await rm(keysFolder, { recursive: true, force: true });
    },
  };
  // The first start makes the key that the catalogue is sealed to.
  await (await bench.launch()).stop();
  await seeder.createCatalogue({
    line: "1.32",
    version: "1.32.1",
    charts: { base: "b", istiod: "i" },
    image: { hub: "h", tag: "t", pullPolicy: "Never" },
    istiodClusters: ["i-a", "i-b"].map((name) => ({
      name,
      region: "r",
      edgeAddresses: ["192.0.2.7"],
      kubeconfig: kubeconfigOf(name),
    })),
  });
  return bench;
}
