import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import {
  type ClusterAccess,
  connectCluster,
  createDeadline,
  createKubeClient,
  disconnectCluster,
  type KubeClient,
  type MeshCluster,
  parseKubeconfig,
  ProvisionerError,
  type RevisionRequest,
} from "@pilothouse/provisioner";
import { findIstiodCluster, findVersion } from "../../src/ground.ts";
import { readTestGround } from "./test-fleet.ts";
import { waitFor } from "./wait-for.ts";

/** An hour: no test lasts longer, and a client must have a deadline. */
const sessionMs = 3_600_000;

/** Path of a cluster's administrator kubeconfig. */
export async function findKubeconfig(cluster: string): Promise<string> {
  const { status } = await readTestGround();
  const found = status.clusters.find((candidate) => candidate.name === cluster);
  if (found === undefined) throw new Error(`the fleet has no cluster ${cluster}`);
  return found.kubeconfig;
}

/** An administrator's access to a cluster of the fleet. */
async function adminAccess(cluster: string): Promise<ClusterAccess> {
  return parseKubeconfig(await readFile(await findKubeconfig(cluster), "utf8")).access;
}

/** An administrator's client for a cluster of the fleet. */
export async function adminClient(cluster: string): Promise<KubeClient> {
  return createKubeClient(await adminAccess(cluster), { deadline: createDeadline(sessionMs) });
}

/** Connects a mesh cluster of the fleet under its own name. */
export async function connectMesh(name: string): Promise<MeshCluster> {
  const { provider, versions } = await readTestGround();
  const kubeconfig = await readFile(await findKubeconfig(name), "utf8");
  const endMs = performance.now() + 60_000;
  for (;;) {
    try {
      const deadline = createDeadline(60_000);
      return (await connectCluster({ id: name, kubeconfig, provider, versions, deadline })).cluster;
    } catch (error) {
      // The namespaces of a test before may still be ending.
      if (!(error instanceof ProvisionerError) || error.kind !== "notReady" || performance.now() > endMs) throw error;
      await sleep(500);
    }
  }
}

/** Disconnects a mesh cluster. istio-system goes, too, if connecting made it and nothing is left in it: no test keeps anything there. */
export async function disconnectMesh(mesh: MeshCluster): Promise<void> {
  const { provider } = await readTestGround();
  const { done, leftovers } = await disconnectCluster({
    cluster: mesh,
    provider,
    deadline: createDeadline(60_000),
    removeSystemNamespace: true,
  });
  if (!done) throw new Error(`${mesh.id} could not be disconnected: ${JSON.stringify(leftovers)}`);
}

const systemNamespace = { apiVersion: "v1", kind: "Namespace", name: "istio-system" };

/** Makes a mesh cluster that is not connected as if it had never been: its istio-system goes, and what of a connection is still ending. */
export async function clearMesh(name: string): Promise<void> {
  const client = await adminClient(name);
  await client.delete(systemNamespace);
  const ours = new Set(["istio-system", "pilothouse-system", "pilothouse-probe"]);
  await waitFor(
    `the namespaces of a connection to be gone from ${name}`,
    async () =>
      (await client.list({ apiVersion: "v1", kind: "Namespace" })).every(({ metadata }) => !ours.has(metadata.name)),
    60_000,
  );
  await client.close();
}

/** The request for a revision of a line in a mesh cluster, as plain data with the clients' ground. */
export async function describeRevision(
  mesh: MeshCluster,
  line: string,
  id: string,
): Promise<Omit<RevisionRequest, "deadline">> {
  const ground = await readTestGround();
  const region = ground.status.clusters.find((cluster) => cluster.name === mesh.id)?.region ?? "";
  return {
    revision: {
      id,
      tenant: "test",
      controlPlane: mesh.id,
      version: findVersion(ground, line),
      replicas: 1,
      tokenLifetimeSeconds: 3600,
    },
    mesh,
    istiodCluster: await findIstiodCluster(ground, line, region),
    provider: ground.provider,
    dns: ground.dns,
  };
}

/** Runs kubectl commands, as they were printed for a person, as a cluster's administrator. */
export async function runCommands(cluster: string, commands: string[]): Promise<void> {
  const { parts } = await readTestGround();
  const kubectl = parts.paths["kubectl"];
  if (kubectl === undefined) throw new Error("the fleet's parts have no kubectl");
  const cache = await mkdtemp(join(tmpdir(), "pilothouse-kubectl-"));
  const environment = {
    ...process.env,
    KUBECONFIG: await findKubeconfig(cluster),
    // Addresses of test clusters come back with other clusters behind them.
    KUBECACHEDIR: cache,
    PATH: `${dirname(kubectl)}:${process.env["PATH"] ?? ""}`,
  };
  try {
    for (const command of commands)
      await promisify(execFile)("/bin/sh", ["-c", command], { env: environment, timeout: 60_000 });
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}
