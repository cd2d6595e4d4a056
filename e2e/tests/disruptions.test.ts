import { setTimeout as sleep } from "node:timers/promises";
import {
  createDeadline,
  createKubeClient,
  type KubeClient,
  type MeshCluster,
  proveRevision,
} from "@pilothouse/provisioner";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reconcileUntilReady, removeUntilDone } from "../src/reconcile-loop.ts";
import { readAuditLog } from "./support/audit.ts";
import { listDnsRecords } from "./support/dns-records.ts";
import { adminClient, connectMesh, describeRevision, disconnectMesh, runCommands } from "./support/mesh.ts";
import { compareObjects, listAllObjects } from "./support/objects.ts";
import { overlap } from "./support/overlap.ts";
import { startWorker } from "./support/run-worker.ts";
import { lines, testFleet } from "./support/test-fleet.ts";

const hosts = { "1.22": "istiod-eu-1-a", "1.32": "istiod-eu-1-b" } as const;
const giveUpSoon = (): number => Date.now() + 60_000;

let mesh: MeshCluster;
let shop: KubeClient;

/** Steps behind which a write comes that would succeed after the removal: into the mesh cluster, into DNS, and of webhooks. */
const pausedSteps = ["isolationApplied", "rolledOut", "endpointProven", "webhooksTried"] as const;

/** All go on side by side, for most of the time is waiting: until a deadline has passed, or the kubelet brings a new token. */
let paused: Map<string, ReturnType<typeof pauseAfter>>;
let revoked: Map<string, ReturnType<typeof revokeToken>>;

beforeAll(async () => {
  shop = await adminClient("shop");
  mesh = await connectMesh("shop");
  paused = overlap(pausedSteps, pausedSteps.length, pauseAfter);
  revoked = overlap(lines, lines.length, revokeToken);
});

afterAll(async () => {
  await Promise.allSettled([...paused.values(), ...revoked.values()]);
  await disconnectMesh(mesh);
});

/** Stops a process after a step until its deadline has passed, has another remove the revision meanwhile, and lets the process go on. */
async function pauseAfter(step: (typeof pausedSteps)[number]) {
  const revision = `paused-${step.toLowerCase()}`;
  const host = await adminClient(hosts["1.32"]);
  const request = await describeRevision(mesh, "1.32", revision);
  const deadlineMs = 25_000;
  const worker = startWorker({
    verb: "reconcile",
    cluster: "shop",
    line: "1.32",
    revision,
    mesh,
    stopAfter: step,
    signal: "SIGSTOP",
    deadlineMs,
  });
  await worker.reached(step);
  // Its deadline began before this.
  const stoppedMs = performance.now();
  const { leftovers } = await removeUntilDone({ ...request, giveUpAtMs: giveUpSoon() }, { timeoutMs: 60_000 });
  await sleep(Math.max(0, deadlineMs + 500 - (performance.now() - stoppedMs)));
  const listOurs = async (): Promise<string[]> => {
    const found = await Promise.all([listAllObjects(shop), listAllObjects(host), listDnsRecords()]);
    return found.flat().filter((name) => name.includes(revision));
  };
  const removed = await listOurs();
  worker.signal("SIGCONT");
  const { code } = await worker.ended;
  return { leftovers, removed, code, afterwards: await listOurs() };
}

test.each(pausedSteps)(
  "a process stopped after %s until its deadline has passed writes nothing when it goes on after a removal by another",
  async (step) => {
    expect(await paused.get(step)).toEqual({ leftovers: [], removed: [], code: 1, afterwards: [] });
  },
);

/** Revokes the token of a revision's istiod, and says what became of it until the revision is Ready again. */
async function revokeToken(line: (typeof lines)[number]) {
  const revision = `revoked-${line.replace(".", "-")}`;
  const request = await describeRevision(mesh, line, revision);
  await reconcileUntilReady(request, { timeoutMs: 90_000 });
  const host = await adminClient(hosts[line]);
  const secret = await host.get({ apiVersion: "v1", kind: "Secret", name: "istio-kubeconfig", namespace: revision });
  const data = secret?.["data"];
  const token =
    typeof data === "object" && data !== null && "token" in data
      ? Buffer.from(String(data.token), "base64").toString("utf8")
      : "";
  const asIstiod = createKubeClient(
    {
      server: mesh.server,
      ...(mesh.certificateAuthority === undefined ? {} : { certificateAuthority: mesh.certificateAuthority }),
      credential: { token },
    },
    { deadline: createDeadline(120_000) },
  );
  const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : error);
  const attempt = (): Promise<unknown> =>
    asIstiod.list({ apiVersion: "v1", kind: "Namespace" }).then(() => "taken", codeOf);
  const answers = [await attempt()];

  await shop.delete({
    apiVersion: "v1",
    kind: "Secret",
    name: `istiod-${revision}-a-token`,
    namespace: "pilothouse-system",
  });
  const revokedMs = Date.now();
  while (answers.at(-1) !== "Unauthorized" && Date.now() < revokedMs + 15_000) {
    const answer = await attempt();
    if (answer !== answers.at(-1)) answers.push(answer);
    await sleep(200);
  }
  const refusedAfterMs = Date.now() - revokedMs;
  // istiod itself has to have a proxy's token reviewed for each certificate, and may no longer.
  const { meshClient, provider, hostname } = describeProof(request);
  const { proofs } = await proveRevision({
    meshClient,
    provider,
    revision: { id: revision, hostname },
    only: ["certificate"],
  });
  // The API server remembers a token it has checked for 10 s; what counts is what it answered, and when. Time enough for later answers:
  await sleep(Math.max(0, 15_000 - refusedAfterMs));
  const calls = await readAuditLog(
    "shop",
    (event) => event.user.endsWith(`:istiod-${revision}-a`) && event.status < 400,
  );

  // The next reconcile sees the missing Secret, and gives istiod a new token without restarting it. Until istiod has read that, nobody
  // is told that all is well.
  const listPodUids = async () =>
    (await host.list({ apiVersion: "v1", kind: "Pod" }, { namespace: revision })).map((pod) => pod.metadata.uid);
  const podsBefore = await listPodUids();
  const said: string[] = [];
  const ready = await reconcileUntilReady(request, {
    timeoutMs: 120_000,
    onLook: ({ conditions }) => {
      const { status = "", reason = "" } = conditions.find(({ type }) => type === "CredentialValid") ?? {};
      if (said.at(-1) !== `${status} ${reason}`) said.push(`${status} ${reason}`);
    },
  });
  const podsAfter = await listPodUids();
  await removeUntilDone({ ...request, giveUpAtMs: giveUpSoon() }, { timeoutMs: 60_000 });
  return { answers, revokedMs, revokedProofs: proofs, calls, said, ready, podsBefore, podsAfter };
}

test("with the mesh cluster's API server stopped, a removal ends in time, says what is left, and its commands remove it", async () => {
  const pay = await connectMesh("pay");
  const before = await listAllObjects(await adminClient("pay"));
  const request = await describeRevision(pay, "1.32", "abandoned");
  await reconcileUntilReady(request, { timeoutMs: 60_000 });
  await testFleet.run(["kill", "pay/kube-apiserver"]);
  const giveUpAtMs = Date.now() + 6_000;
  const startedMs = performance.now();
  const removed = await removeUntilDone({ ...request, giveUpAtMs }, { timeoutMs: 60_000 });
  expect(performance.now() - startedMs).toBeLessThan(30_000);
  expect(removed.conditions[0]?.reason).toBe("LeftBehind");
  expect(removed.leftovers.map((leftover) => leftover.cluster)).toContain("pay");
  const host = await adminClient(hosts["1.32"]);
  expect(await host.get({ apiVersion: "v1", kind: "Namespace", name: "abandoned" })).toBeUndefined();

  await testFleet.run(["start", "pay/kube-apiserver"]);
  await testFleet.run(["up"]);
  await runCommands(
    "pay",
    removed.leftovers.filter((leftover) => leftover.cluster === "pay").map((leftover) => leftover.command),
  );
  const added = compareObjects(before, await listAllObjects(await adminClient("pay"))).added;
  expect(added.filter((name) => !/CustomResourceDefinition|APIService .*istio.io|istio-ca-secret/.test(name))).toEqual(
    [],
  );
  await disconnectMesh(pay);
});

test.each(lines)("line %s: a revoked token is refused at the next call of its istiod, within 10 s", async (line) => {
  const seen = await revoked.get(line);
  expect(seen?.answers).toEqual(["taken", "Unauthorized"]);
  expect(seen?.revokedProofs.map((proof) => [proof.ok, proof.reason])).toEqual([[false, "Unauthenticated"]]);
  expect(seen?.calls.length).toBeGreaterThan(0);
  expect(seen?.calls.filter((event) => event.atMs > seen.revokedMs + 10_000)).toEqual([]);
  expect(seen?.said).toEqual(["Unknown ReissueTakingEffect", "True TokenValid"]);
  expect(seen?.ready.observed.proofs.map((proof) => proof.ok)).toEqual([true, true, true, true]);
  expect(seen?.podsBefore).toHaveLength(1);
  expect(seen?.podsAfter).toEqual(seen?.podsBefore);
});

/** What a proof needs of a revision, with Pilothouse's own identity. */
function describeProof(request: Awaited<ReturnType<typeof describeRevision>>): {
  meshClient: KubeClient;
  provider: { resolvers?: string[] };
  hostname: string;
} {
  const meshClient = createKubeClient(
    {
      server: mesh.server,
      ...(mesh.certificateAuthority === undefined ? {} : { certificateAuthority: mesh.certificateAuthority }),
      credential: { token: mesh.token.token },
    },
    { deadline: createDeadline(600_000) },
  );
  return { meshClient, provider: request.provider, hostname: `${request.revision.id}.${request.provider.domain}` };
}
