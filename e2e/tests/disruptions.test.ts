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
import { startWorker } from "./support/run-worker.ts";
import { lines, testFleet } from "./support/test-fleet.ts";

const hosts = { "1.22": "istiod-eu-1-a", "1.32": "istiod-eu-1-b" } as const;
const giveUpSoon = (): number => Date.now() + 60_000;

let mesh: MeshCluster;
let shop: KubeClient;

beforeAll(async () => {
  shop = await adminClient("shop");
  mesh = await connectMesh("shop");
});

afterAll(async () => {
  await disconnectMesh(mesh);
});

/** Steps behind which a write comes that would succeed after the removal: into the mesh cluster, into DNS, and of webhooks. */
test.each(["isolationApplied", "rolledOut", "endpointProven", "webhooksTried"])(
  "a process stopped after %s until its deadline has passed writes nothing when it goes on after a removal by another",
  async (step) => {
    const revision = `paused-${step.toLowerCase()}`;
    const host = await adminClient(hosts["1.32"]);
    const request = await describeRevision(mesh, "1.32", revision);
    const [shopBefore, hostBefore, recordsBefore] = await Promise.all([
      listAllObjects(shop),
      listAllObjects(host),
      listDnsRecords(),
    ]);
    const deadlineMs = 8_000;
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
    const removed = await removeUntilDone({ ...request, giveUpAtMs: giveUpSoon() }, { timeoutMs: 60_000 });
    expect(removed.leftovers).toEqual([]);
    await sleep(Math.max(0, deadlineMs + 500 - (performance.now() - stoppedMs)));

    worker.signal("SIGCONT");
    expect((await worker.ended).code).toBe(1);
    const isOurs = (name: string): boolean => name.includes(revision);
    for (const [client, before] of [
      [shop, shopBefore],
      [host, hostBefore],
    ] as const) {
      const { added, changed } = compareObjects(before, await listAllObjects(client));
      expect([...added, ...changed].filter(isOurs)).toEqual([]);
    }
    expect(await listDnsRecords()).toEqual(recordsBefore);
  },
);

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
  const revision = `revoked-${line.replace(".", "-")}`;
  const request = await describeRevision(mesh, line, revision);
  await reconcileUntilReady(request, { timeoutMs: 60_000 });
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
    { deadline: createDeadline(60_000) },
  );
  await expect(asIstiod.list({ apiVersion: "v1", kind: "Namespace" })).resolves.not.toHaveLength(0);

  await shop.delete({
    apiVersion: "v1",
    kind: "Secret",
    name: `istiod-${revision}-a-token`,
    namespace: "pilothouse-system",
  });
  const revokedMs = Date.now();
  const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : error);
  const attempt = (): Promise<unknown> =>
    asIstiod.list({ apiVersion: "v1", kind: "Namespace" }).then(() => "taken", codeOf);
  await expect.poll(attempt, { timeout: 15_000, interval: 200 }).toBe("Unauthorized");
  const refusedAfterMs = Date.now() - revokedMs;
  // istiod itself has to have a proxy's token reviewed for each certificate, and may no longer.
  const { meshClient, provider, hostname } = describeProof(request);
  const { proofs } = await proveRevision({
    meshClient,
    provider,
    revision: { id: revision, hostname },
    only: ["certificate"],
  });
  expect(proofs.map((proof) => [proof.ok, proof.reason])).toEqual([[false, "Unauthenticated"]]);
  // The API server remembers a token it has checked for 10 s; what counts is what it answered, and when. Time enough for later answers:
  await sleep(Math.max(0, 15_000 - refusedAfterMs));
  const calls = await readAuditLog(
    "shop",
    (event) => event.user.endsWith(`:istiod-${revision}-a`) && event.status < 400,
  );
  expect(calls.length).toBeGreaterThan(0);
  expect(calls.filter((event) => event.atMs > revokedMs + 10_000)).toEqual([]);

  // The next reconcile sees the missing Secret, and gives istiod a new token without restarting it. Until istiod has read that, nobody
  // is told that all is well.
  const podsBefore = await host.list({ apiVersion: "v1", kind: "Pod" }, { namespace: revision });
  const said: string[] = [];
  const ready = await reconcileUntilReady(request, {
    timeoutMs: 120_000,
    onLook: ({ conditions }) => {
      const { status = "", reason = "" } = conditions.find(({ type }) => type === "CredentialValid") ?? {};
      if (said.at(-1) !== `${status} ${reason}`) said.push(`${status} ${reason}`);
    },
  });
  expect(said).toEqual(["Unknown ReissueTakingEffect", "True TokenValid"]);
  expect(ready.observed.proofs.map((proof) => proof.ok)).toEqual([true, true, true, true]);
  const podsAfter = await host.list({ apiVersion: "v1", kind: "Pod" }, { namespace: revision });
  expect(podsAfter.map((pod) => pod.metadata.uid)).toEqual(podsBefore.map((pod) => pod.metadata.uid));
  await removeUntilDone({ ...request, giveUpAtMs: giveUpSoon() }, { timeoutMs: 60_000 });
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
