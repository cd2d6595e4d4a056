import { createHash } from "node:crypto";
import type { KubeClient, MeshCluster, RemovalResult, RevisionRequest } from "@pilothouse/provisioner";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reconcileUntilReady, removeUntilDone } from "../src/reconcile-loop.ts";
import { type Connection, listConnections, listOutgoingConnections } from "./support/connections.ts";
import { type DiscoveryWatch, openDiscoveryWatch } from "./support/discovery-watch.ts";
import { adminClient, connectMesh, describeRevision, disconnectMesh } from "./support/mesh.ts";
import {
  applyWorkloads,
  describeOutsider,
  removeWorkloads,
  servicePort,
  workloadNamespace,
} from "./support/mesh-workloads.ts";
import { readEnvoyConfig, readEnvoyStats, type Sidecar, startSidecar } from "./support/sidecar.ts";
import { readTestGround } from "./support/test-fleet.ts";
import { closeWorkloads, openWorkloadPlace } from "./support/workload-place.ts";

const line = "1.32";
/** The other revisions are of both lines, in turns, so that both edges see them come and go. */
const passingLines = [line, "1.22"] as const;
const revisions = 20;
const xdsPort = 15012;

/** Where the administration interface of the fleet's edges listens, on the edge's own node alone. */
const edgeAdminPort = 15900;

interface Edge {
  /** Name of its istiod cluster. */
  cluster: string;
  pid: number;
  address: string;
}

type Request = Omit<RevisionRequest, "deadline">;

let meshes: { pay: MeshCluster; shop: MeshCluster };
let pay: KubeClient;
let watched: Request;
let stream: DiscoveryWatch;
let sidecar: Sidecar;
let edges: Edge[];

beforeAll(async () => {
  await closeWorkloads();
  const [payMesh, shopMesh] = await Promise.all([connectMesh("pay"), connectMesh("shop")]);
  meshes = { pay: payMesh, shop: shopMesh };
  pay = await adminClient("pay");
  watched = await describeRevision(meshes.pay, line, "watched");
  const { observed } = await reconcileUntilReady(watched, { timeoutMs: 60_000 });
  const revision = { id: watched.revision.id, hostname: observed.hostname };
  edges = await Promise.all(
    passingLines.map(async (passing) =>
      findEdge((await describeRevision(meshes.pay, passing, "any")).istiodCluster.name),
    ),
  );

  const place = await openWorkloadPlace("client", 0);
  await applyWorkloads(pay, revision.id);
  sidecar = await startSidecar({
    place,
    line,
    revision,
    mesh: { id: meshes.pay.id, client: pay },
    namespace: workloadNamespace,
    name: "client",
  });
  await sidecar.waitUntilReady(30_000);
  stream = await openDiscoveryWatch(meshes.pay, { ...revision, version: watched.revision.version.version });
});

afterAll(async () => {
  await stream.close();
  await closeWorkloads();
  await removeWorkloads(pay);
  await removeUntilDone({ ...watched, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 60_000 });
  await Promise.all([disconnectMesh(meshes.pay), disconnectMesh(meshes.shop)]);
});

async function findEdge(cluster: string): Promise<Edge> {
  const { status } = await readTestGround();
  const part = status.parts.find((candidate) => candidate.name === `${cluster}/edge`);
  const address = status.clusters.find((candidate) => candidate.name === cluster)?.edge?.address;
  if (part === undefined || address === undefined) throw new Error(`${cluster} has no edge`);
  return { cluster, pid: part.pid, address };
}

/** The connections for discovery that are open at an edge: from proxies, and on to istiod. */
async function listEdgeConnections(edge: Edge): Promise<Connection[]> {
  const isDiscovery = ({ own, peer }: Connection): boolean =>
    own === `${edge.address}:${xdsPort}` || peer.endsWith(`:${xdsPort}`);
  return (await listConnections(edge.pid)).filter(isDiscovery).toSorted((a, b) => a.inode.localeCompare(b.inode));
}

const listConnectionsOfEdges = (): Promise<Connection[][]> => Promise.all(edges.map(listEdgeConnections));

/** Some of the numbers of a program, by name. */
const select = (stats: Map<string, number>, pattern: RegExp): Record<string, number> =>
  Object.fromEntries([...stats].filter(([name]) => pattern.test(name)));

/** Counters of the sidecar's Envoy that move when its stream, or the connection under it, is broken or opened anew. */
const sidecarResets = /^cluster\.xds-grpc\..*(destroy|reset|fail|timeout|error|retry|cancel|cx_total|overflow|goaway)/;

/** The agent's view of the connection to istiod behind it. */
const agentResets = /connection_(failures|terminations|cancellations)/;

/**
 * Counters of the edge that move when it closes connections by its own decision or is configured anew. Those of connections opened and
 * closed are not among them: the other revisions' connections move them.
 */
const edgeResets =
  /^(listener_manager\.(listener_\w+|total_\w+_draining)|cluster_manager\.cluster_(added|modified|removed)|tcp\.xds\.(idle_timeout|max_downstream_connection_duration|downstream_cx_(drain|overload)_close)|cluster\.istiods\.(upstream_cx_(idle_timeout|max_duration_reached|overflow|protocol_error)|upstream_rq_[rt]x_reset)|server\.hot_restart_epoch)$/;

/** What of an edge a reset or a change of its configuration would change. */
async function observeEdge({ cluster, pid }: Edge) {
  const [stats, configuration] = await Promise.all([
    readEnvoyStats(pid, edgeAdminPort),
    // An edge's endpoints are the istiods that it was asked for.
    readEnvoyConfig(pid, edgeAdminPort, "allButEndpoints"),
  ]);
  return {
    cluster,
    counters: select(stats, edgeResets),
    configuration: createHash("sha256").update(configuration).digest("hex"),
  };
}

/** Everything that a reset would change. */
async function observeResets() {
  const [sidecarStats, agentStats, ofEdges, ofSidecar] = await Promise.all([
    sidecar.readStats(),
    sidecar.readAgentStats(),
    Promise.all(edges.map(observeEdge)),
    listOutgoingConnections(sidecar.place.pid),
  ]);
  return {
    sidecar: select(sidecarStats, sidecarResets),
    agent: select(agentStats, agentResets),
    edges: ofEdges,
    sidecarConnections: ofSidecar,
  };
}

/** Removes a revision. The first promise settles when the mesh cluster is rid of it, the second when its namespace has ended as well. */
function removeInTwo(request: Request): { fromMesh: Promise<void>; entirely: Promise<RemovalResult> } {
  const fromMesh = Promise.withResolvers<void>();
  const onStep = (step: string): void => {
    if (step === "leftoversRemoved") fromMesh.resolve();
  };
  const entirely = removeUntilDone({ ...request, onStep, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 60_000 });
  entirely.catch((error: unknown) => fromMesh.reject(error));
  return { fromMesh: fromMesh.promise, entirely };
}

test(`${revisions} revisions that come and go disturb no stream and no sidecar beside them`, async () => {
  const before = await observeResets();
  const edgeConnections = await listConnectionsOfEdges();
  expect(Object.keys(before.sidecar).length).toBeGreaterThan(10);
  expect(before.sidecar["cluster.xds-grpc.upstream_cx_total"]).toBe(1);
  expect(new Set(before.edges.map(({ cluster }) => cluster)).size).toBe(passingLines.length);
  for (const { counters } of before.edges)
    expect(Object.keys(counters)).toContain("listener_manager.listener_modified");
  // The stream's and the sidecar's, from the outside and on to istiod.
  expect(before.sidecarConnections).not.toEqual([]);
  expect(edgeConnections.map((connections) => connections.length)).toEqual([
    2 * (before.sidecarConnections.length + 1),
    0,
  ]);

  const removals: Promise<RemovalResult>[] = [];
  let previousGone: Promise<void> = Promise.resolve();
  for (let index = 0; index < revisions; index += 1) {
    // Each line in each mesh cluster.
    const mesh = index % 2 === 0 ? meshes.pay : meshes.shop;
    const passing = passingLines[Math.floor(index / 2) % 2] ?? line;
    const request = await describeRevision(mesh, passing, `passing-${index}`);
    expect(request.istiodCluster.name).toBe(edges[passingLines.indexOf(passing)]?.cluster);
    await reconcileUntilReady(request, { timeoutMs: 60_000 });
    // While one goes, the next is made already: never more than two are there.
    await previousGone;
    const removal = removeInTwo(request);
    previousGone = removal.fromMesh;
    // A failure is seen where it is awaited, which may be later.
    void Promise.allSettled([previousGone]);
    removals.push(removal.entirely);
    expect(stream.end()).toBeUndefined();
  }
  await previousGone;
  expect((await Promise.all(removals)).flatMap((removal) => removal.leftovers)).toEqual([]);

  expect(await observeResets()).toEqual(before);
  // The same sockets at the edges, and none more.
  await expect.poll(listConnectionsOfEdges, { timeout: 10_000 }).toEqual(edgeConnections);
  expect(await sidecar.readReadiness()).toBe(200);
  await stream.ping();

  const added = `outbound|${servicePort}||late.outside.test`;
  expect(stream.clusters()).not.toContain(added);
  await pay.apply(describeOutsider(watched.revision.id, "late"));
  await expect.poll(() => stream.clusters(), { timeout: 10_000 }).toContain(added);
  await expect.poll(() => sidecar.listClusters(), { timeout: 10_000 }).toContain(added);
  expect(stream.end()).toBeUndefined();
});
