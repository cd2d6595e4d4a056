import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, type Operation, operations, ProblemError } from "@pilothouse/contract";
import type { Ground } from "../ground.ts";
import { createTenantWithKey, registerFleet } from "../register-fleet.ts";
import { buildWeb, type Service, startService } from "../service.ts";
import { followOperations, type OperationFollower } from "./follow-operations.ts";
import type { TimedRun } from "./statistics.ts";
import { toWords } from "./with-provisioner.ts";

const tenant = "bench";
const params = { tenant };
const provisionLimitMs = 120_000;
const removalLimitMs = 120_000;

/** One run over REST. */
export interface ServiceRun extends TimedRun {
  /** The part of the whole from the POST of the cluster to the event that its operation has ended, in milliseconds. */
  connectMs: number;
  /** The rest: from the POST of the control plane to the answer that says Ready, in milliseconds. */
  createMs: number;
}

/** The whole service, with the fleet registered and one tenant whose events are listened to. */
export interface BenchService {
  client: Client;
  follower: OperationFollower;
  close(): Promise<void>;
}

/** The service with a version line in a pair of clusters. */
export interface WithService {
  /** From the POST of the mesh cluster to the answer that says that its control plane is Ready. */
  provision(name: string): Promise<ServiceRun>;
  /** Takes away what the last `provision` made, as far as it got. */
  remove(): Promise<void>;
}

/** Builds and starts the service in a folder that goes with it, and registers the fleet. */
export async function startBenchService(ground: Ground, environment: NodeJS.ProcessEnv): Promise<BenchService> {
  await buildWeb(environment);
  const home = await mkdtemp(join(tmpdir(), "pilothouse-bench-service-"));
  // Postgres runs as a user of its own, who has to come to its folder in here.
  await chmod(home, 0o711);
  const opened: { service?: Service; follower?: OperationFollower } = {};
  const close = async (): Promise<void> => {
    await opened.follower?.close();
    await opened.service?.stop();
    await rm(home, { recursive: true, force: true });
  };
  try {
    opened.service = await startService({ ground, home, environment, inOwnGroup: true });
    await registerFleet(opened.service.platform, ground);
    const client = opened.service.connect(await createTenantWithKey(opened.service.platform, tenant));
    opened.follower = await followOperations(client, tenant);
    return { client, follower: opened.follower, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Prepares the service's side. All that is timed is what a client waits for; steps come from the operations afterwards, and their times are the
 * database's, on the same machine.
 *
 * @param mesh name of the mesh cluster, path of its administrator's kubeconfig, and its region
 * @param istiodCluster where the control plane has to be placed, so that all sides use the same clusters
 */
export async function prepareWithService(
  { client, follower }: BenchService,
  line: string,
  mesh: { name: string; kubeconfig: string; region: string },
  istiodCluster: string,
): Promise<WithService> {
  const kubeconfig = await readFile(mesh.kubeconfig, "utf8");
  const cluster = mesh.name;
  let made: { connecting?: string; controlPlane?: string } = {};

  const end = async (id: string, limitMs: number): Promise<void> => {
    await follower.waitForEnd(id, limitMs);
  };
  const readOperation = async (id: string): Promise<Operation> =>
    (await client.call(operations.getOperation, { params: { ...params, operation: id } })).body;
  async function requireSuccess(id: string): Promise<Operation> {
    const operation = await readOperation(id);
    if (operation.state === "succeeded") return operation;
    throw new Error(`${operation.kind} ${operation.object.name} ${operation.state}: ${operation.message ?? ""}`);
  }

  return {
    async provision(name) {
      const steps = new Map<string, number>();
      const startedAtMs = Date.now();
      const startedMs = performance.now();
      const mark = (step: string): number => {
        const atMs = performance.now() - startedMs;
        steps.set(step, atMs);
        return atMs;
      };
      const connected = await client.call(operations.connectCluster, {
        params,
        body: { name: cluster, kind: "gardener", seed: `seed-${mesh.region}`, kubeconfig },
      });
      const connecting = connected.body.operation.id;
      made = { connecting };
      mark("connect: accepted");
      await end(connecting, provisionLimitMs);
      const connectMs = mark("connect: told of its end");
      const ordered = await client.call(operations.createControlPlane, { params, body: { name, cluster, line } });
      const creating = ordered.body.operation.id;
      made = { connecting, controlPlane: name };
      mark("accepted");
      await end(creating, provisionLimitMs);
      mark("told of its end");
      const { body: controlPlane } = await client.call(operations.getControlPlane, {
        params: { ...params, controlPlane: name },
      });
      const totalMs = mark("read as Ready");
      const done = [
        { prefix: "connect: ", operation: await requireSuccess(connecting) },
        { prefix: "", operation: await requireSuccess(creating) },
      ];
      if (controlPlane.phase !== "Ready") throw new Error(`${name} is ${controlPlane.phase} after it had been made`);
      for (const { prefix, operation } of done) {
        for (const step of operation.steps)
          steps.set(`${prefix}${toWords(step.name)}`, Date.parse(step.finishedAt) - startedAtMs);
        if (operation.finishedAt !== null)
          steps.set(`${prefix}written down`, Date.parse(operation.finishedAt) - startedAtMs);
      }
      const { body: revisions } = await client.call(operations.listRevisions, {
        params: { ...params, controlPlane: name },
      });
      const place = revisions.items[0]?.istiodCluster;
      if (place !== istiodCluster)
        throw new Error(`${name} was placed on ${place ?? "nothing"}, and the others use ${istiodCluster}`);
      return { totalMs, steps, connectMs, createMs: totalMs - connectMs };
    },

    async remove() {
      const { connecting, controlPlane } = made;
      if (controlPlane !== undefined) {
        const { body } = await client.call(operations.deleteControlPlane, { params: { ...params, controlPlane } });
        await end(body.operation.id, removalLimitMs);
        await requireSuccess(body.operation.id);
      }
      if (connecting !== undefined) {
        await end(connecting, removalLimitMs);
        await disconnect();
      }
      made = {};
    },
  };

  async function disconnect(): Promise<void> {
    try {
      const { body } = await client.call(operations.disconnectCluster, { params: { ...params, cluster } });
      await end(body.operation.id, removalLimitMs);
      await requireSuccess(body.operation.id);
    } catch (error) {
      if (error instanceof ProblemError && error.code === "NotFound") return;
      throw error;
    }
  }
}
