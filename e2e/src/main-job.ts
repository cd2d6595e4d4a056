import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  connectCluster,
  type ConnectRequest,
  createDeadline,
  createKubeClient,
  disconnectCluster,
  type Leftover,
  type MeshCluster,
  ProvisionerError,
  type RemovalRequest,
  type RevisionRequest,
  type RevisionStep,
} from "@pilothouse/provisioner";
import { type Fleet, openFleet } from "./fleet.ts";
import { findIstiodCluster, findVersion, type Ground, readGround } from "./ground.ts";
import { reconcileUntilReady, removeUntilDone } from "./reconcile-loop.ts";

const usage = `Usage: npm run main-job -- --version LINE [--remove] [--cluster NAME] [--name FLEET]

Brings the local fleet up, connects the mesh cluster "shop", gives it a control plane of the version line in an istiod cluster
outside it, and proves it through the public edge. --remove takes it away again.`;

const stepWords: Partial<Record<RevisionStep, string>> = {
  isolationApplied: "namespace, quota, limits and network policies in the istiod cluster",
  customResourcesApplied: "Istio's CustomResourceDefinitions in the mesh cluster",
  identityGranted: "an identity for istiod in the mesh cluster",
  credentialWritten: "a short-lived token for it, as a Secret beside istiod",
  istiodApplied: "istiod applied",
  recordPublished: "hostname published",
  rolledOut: "istiod ready",
  endpointProven: "edge, certificates and discovery proven before any webhook exists",
  webhooksInstalled: "webhooks proven there, and opened to all namespaces",
  webhooksTried: "webhooks installed for the probe's namespace alone",
  proven: "everything proven again, through the webhooks",
  newTokenIssued: "a new token for istiod issued, since 60 % of the old one's life is over",
  newTokenHandedOver: "the new token written beside istiod",
  oldReviewsWithheld: "looking whether istiod acts with the new token",
  newTokenSeen: "istiod acts with the new token",
  oldTokenRevoked: "the old token revoked",
  renewalRecorded: "the renewal of istiod's token done",
};

/** A namespace that is being removed takes 5 to 20 s to go; what has not gone by then waits for something. */
const longestRemovalMs = 60_000;
const removalIntervalMs = 500;

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(2)} s`.padStart(9);

/** The connection of the mesh cluster is kept beside the fleet, readable by its owner alone: it holds Pilothouse's token. */
const connectionFile = (ground: Ground, cluster: string): string =>
  join(ground.status.folder, "main-job", `${cluster}.json`);

async function readConnection(file: string): Promise<MeshCluster | undefined> {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by saveConnection alone
    return JSON.parse(await readFile(file, "utf8")) as MeshCluster;
  } catch {
    return undefined;
  }
}

async function saveConnection(file: string, cluster: MeshCluster): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(`${file}.tmp`, JSON.stringify(cluster), { mode: 0o600 });
  await rename(`${file}.tmp`, file);
}

/** Connects, and waits for an earlier removal that is still going on. */
async function connectWhenFree(request: Omit<ConnectRequest, "deadline">): Promise<MeshCluster> {
  const endMs = performance.now() + longestRemovalMs;
  let isTold = false;
  for (;;) {
    try {
      return (await connectCluster({ ...request, deadline: createDeadline(60_000) })).cluster;
    } catch (error) {
      const isEnding = error instanceof ProvisionerError && error.code === "BeingRemoved";
      if (!isEnding || performance.now() + removalIntervalMs > endMs) throw error;
      if (!isTold) print(`             waiting at most ${longestRemovalMs / 1000} s: ${error.message}`);
      isTold = true;
    }
    await sleep(removalIntervalMs);
  }
}

/** A token that its cluster no longer knows is of no use: the cluster was disconnected, or it is another one now. */
async function isTokenTaken(cluster: MeshCluster): Promise<boolean> {
  const { server, certificateAuthority, token } = cluster;
  const client = createKubeClient(
    {
      server,
      ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
      credential: { token: token.token },
    },
    { deadline: createDeadline(10_000) },
  );
  try {
    await client.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
      apiVersion: "authentication.k8s.io/v1",
      kind: "SelfSubjectReview",
    });
    return true;
  } catch (error) {
    if (error instanceof ProvisionerError && error.code === "Unauthorized") return false;
    throw error;
  } finally {
    await client.close();
  }
}

async function ensureConnected(ground: Ground, name: string): Promise<MeshCluster> {
  const file = connectionFile(ground, name);
  const known = await readConnection(file);
  // With less than ten minutes to live a token is not worth a new control plane.
  const isLasting = known !== undefined && Date.parse(known.token.expiresAt) > Date.now() + 600_000;
  if (isLasting && (await isTokenTaken(known))) return known;
  const target = ground.status.clusters.find((cluster) => cluster.name === name && cluster.kind === "mesh");
  if (target === undefined) throw new Error(`the fleet has no mesh cluster ${name}`);
  const kubeconfig = await readFile(target.kubeconfig, "utf8");
  const { provider, versions } = ground;
  const cluster = await connectWhenFree({ id: name, kubeconfig, provider, versions });
  await saveConnection(file, cluster);
  return cluster;
}

async function describeRequest(
  ground: Ground,
  name: string,
  line: string,
  mesh: MeshCluster,
): Promise<Omit<RevisionRequest, "deadline">> {
  const region = ground.status.clusters.find((cluster) => cluster.name === name)?.region ?? "";
  return {
    revision: {
      id: `${name}-${line.replace(".", "-")}`,
      tenant: "demo",
      controlPlane: name,
      version: findVersion(ground, line),
      replicas: 1,
      tokenLifetimeSeconds: 12 * 3600,
    },
    mesh,
    istiodCluster: await findIstiodCluster(ground, line, region),
    provider: ground.provider,
    dns: ground.dns,
  };
}

async function provision(ground: Ground, name: string, line: string, startedMs: number): Promise<void> {
  const connectMs = performance.now();
  const mesh = await ensureConnected(ground, name);
  print(`${seconds(startedMs)}  ${name} connected (${seconds(connectMs).trim()})`);
  const request = await describeRequest(ground, name, line, mesh);
  const seen = new Set<string>();
  const onStep = (step: RevisionStep): void => {
    if (seen.has(step)) return;
    seen.add(step);
    print(`${seconds(startedMs)}  ${stepWords[step] ?? step}`);
  };
  const result = await reconcileUntilReady({ ...request, onStep }, { timeoutMs: 120_000 });
  print("");
  for (const proof of result.observed.proofs) {
    print(
      `  ${proof.ok ? "proven" : "FAILED"}  ${proof.name.padEnd(12)} ${String(Math.round(proof.latencyMs)).padStart(5)} ms  ${proof.message}`,
    );
  }
  print(
    `\nRevision ${request.revision.id} (istiod ${request.revision.version.version}) serves ${name} from ${request.istiodCluster.name} as ${result.observed.hostname}.`,
  );
  print(`Connected to proven in ${seconds(connectMs).trim()}, ${seconds(startedMs).trim()} in all.`);
  const fleetOption = ground.status.name === "local" ? "" : ` --name ${ground.status.name}`;
  const again = `npm run main-job -- --version ${line}${name === "shop" ? "" : ` --cluster ${name}`}${fleetOption}`;
  const { credential } = result.observed;
  if (credential !== undefined) {
    print(
      `istiod's token is valid until ${credential.expiresAt}. Nobody renews it: that is a worker's task, and none runs here. Run this again before then and it is renewed once 60 % of its life is over; later, istiod gets a new one.`,
    );
  }
  print(
    `Look at it:      npm run fleet -- kubectl ${request.istiodCluster.name}${fleetOption} -- -n ${request.revision.id} get pods`,
  );
  print(`Run it again:    ${again}`);
  print(`Take it away:    ${again} --remove`);
}

function printLeftovers(leftovers: readonly Leftover[]): void {
  for (const { cluster, what, command } of leftovers)
    print(`             left behind in ${cluster}: ${what}\n               ${command}`);
}

async function remove(ground: Ground, name: string, line: string, startedMs: number): Promise<void> {
  const file = connectionFile(ground, name);
  const mesh = await readConnection(file);
  if (mesh === undefined) {
    print(`${name} is not connected, so there is nothing to remove.`);
    return;
  }
  const request: Omit<RemovalRequest, "deadline"> = {
    ...(await describeRequest(ground, name, line, mesh)),
    giveUpAtMs: Date.now() + 60_000,
  };
  const removed = await removeUntilDone(request, { timeoutMs: 90_000 });
  const isClean = removed.leftovers.length === 0;
  print(`${seconds(startedMs)}  revision ${request.revision.id} ${isClean ? "removed" : "removed as far as possible"}`);
  if (!isClean) process.exitCode = 1;
  for (const kept of removed.kept) print(`             kept: ${kept}`);
  printLeftovers(removed.leftovers);
  try {
    const deadline = createDeadline(60_000);
    const { done, kept, leftovers } = await disconnectCluster({ cluster: mesh, provider: ground.provider, deadline });
    if (!done) {
      process.exitCode = 1;
      print(`${seconds(startedMs)}  ${name} could not be disconnected; run this again when its API server answers`);
      return printLeftovers(leftovers);
    }
    await rm(file, { force: true });
    print(`${seconds(startedMs)}  ${name} disconnected`);
    for (const what of kept) print(`             kept: ${what}`);
  } catch (error) {
    if (!(error instanceof ProvisionerError) || error.code !== "RevisionsRemain") throw error;
    print(`${seconds(startedMs)}  ${name} stays connected: ${error.message}`);
  }
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      version: { type: "string" },
      cluster: { type: "string", default: "shop" },
      name: { type: "string", default: "local" },
      remove: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return print(usage);
  if (values.version === undefined) throw new Error(`--version is missing.\n\n${usage}`);
  const startedMs = performance.now();
  const fleet: Fleet = openFleet(values.name, process.env);
  await fleet.run(["up"]);
  print(`${seconds(startedMs)}  fleet ${values.name} up`);
  const ground = await readGround(fleet);
  findVersion(ground, values.version);
  await (values.remove ? remove : provision)(ground, values.cluster, values.version, startedMs);
}

try {
  await run();
} catch (error) {
  process.stderr.write(`main-job: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
