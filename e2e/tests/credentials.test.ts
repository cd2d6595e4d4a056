import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createDeadline,
  createKubeClient,
  credentialRenewalSteps,
  type KubeClient,
  type MeshCluster,
  reconcileRevision,
  renewSteps,
  type RevisionRequest,
} from "@pilothouse/provisioner";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reconcileUntilReady, removeUntilDone } from "../src/reconcile-loop.ts";
import { readAuditLog } from "./support/audit.ts";
import { adminClient, connectMesh, describeRevision, disconnectMesh } from "./support/mesh.ts";
import {
  describeRenewal,
  readCondition,
  readStoredConnection,
  reconcileUntilRenewed,
  renewConnection,
} from "./support/renewals.ts";
import { overlap } from "./support/overlap.ts";
import { revokeToken } from "./support/revocations.ts";
import { startWorker } from "./support/run-worker.ts";
import { lines, readTestGround } from "./support/test-fleet.ts";

const line = "1.32";
const identityNamespace = "pilothouse-system";
const secretKind = { apiVersion: "v1", kind: "Secret" };
/** Past 60 % of the hour that istiod's first token lives. */
const tokenAheadMs = 42 * 60_000;
/** Past 60 % of the day that Pilothouse's own token lives. */
const connectionAheadMs = 17 * 3_600_000;

let mesh: MeshCluster;
let shop: KubeClient;
let host: KubeClient;

/** A revision's identities and bound Secrets in the mesh cluster, and its pods with their restarts. */
async function readTraces(revision: string): Promise<{ accounts: string[]; secrets: string[]; pods: unknown[] }> {
  const own = { namespace: identityNamespace, labelSelector: `pilothouse.io/revision=${revision}` };
  const [accounts, secrets, pods] = await Promise.all([
    shop.list({ apiVersion: "v1", kind: "ServiceAccount" }, own),
    shop.list(secretKind, own),
    host.list({ apiVersion: "v1", kind: "Pod" }, { namespace: revision }),
  ]);
  return {
    accounts: accounts.map((account) => account.metadata.name),
    secrets: secrets.map((secret) => secret.metadata.name),
    pods: pods.map(({ metadata, status }) => {
      const containers: unknown =
        typeof status === "object" && status !== null && "containerStatuses" in status ? status.containerStatuses : [];
      const restarts = Array.isArray(containers)
        ? containers.map((container: { restartCount?: unknown }) => container.restartCount)
        : [];
      return [metadata.uid, restarts];
    }),
  };
}

type Request = Omit<RevisionRequest, "deadline">;

/** Makes a revision, works with it, and takes it away, whatever becomes of the work. */
async function withRevision<Seen>(revision: string, work: (request: Request) => Promise<Seen>): Promise<Seen> {
  const request = await describeRevision(mesh, line, revision);
  try {
    await reconcileUntilReady(request, { timeoutMs: 180_000 });
    return await work(request);
  } finally {
    await removeUntilDone({ ...request, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 90_000 });
  }
}

/** Kills a renewal right after a step, has another process go on, and says what there was before and after. */
function renewWithKill(step: (typeof credentialRenewalSteps)[number]) {
  const revision = `renewal-${credentialRenewalSteps.indexOf(step)}`;
  return withRevision(revision, async () => {
    const before = await readTraces(revision);
    const worker = startWorker({
      verb: "renewCredential",
      cluster: "shop",
      line,
      revision,
      mesh,
      aheadMs: tokenAheadMs,
      stopAfter: step,
      deadlineMs: 240_000,
    });
    const { signal } = await worker.ended;
    const atKill = await readTraces(revision);
    const request = { ...(await describeRenewal(mesh, line, revision)), nowMs: () => Date.now() + tokenAheadMs };
    const { observed } = await reconcileUntilRenewed(request, { timeoutMs: 240_000 });
    return { signal, steps: worker.steps, before, atKill, after: await readTraces(revision), proofs: observed.proofs };
  });
}

/** Renews undisturbed, and says who called the API server when, in the minute in which the old token went. */
function renewUndisturbed() {
  const revision = "renewed";
  return withRevision(revision, async () => {
    const before = await readTraces(revision);
    const request = { ...(await describeRenewal(mesh, line, revision)), nowMs: () => Date.now() + tokenAheadMs };
    const first = await reconcileRevision({ ...request, deadline: createDeadline(60_000) });
    const handedOverMs = Date.now();
    const atHandOver = await readTraces(revision);
    const conditions = new Set([`${readCondition(first, "CredentialValid")}, Ready ${readCondition(first, "Ready")}`]);
    // Real time passes: the kubelet and istiod take as long as they take.
    await reconcileUntilRenewed(request, {
      timeoutMs: 240_000,
      onLook: (result) =>
        conditions.add(`${readCondition(result, "CredentialValid")}, Ready ${readCondition(result, "Ready")}`),
    });
    const revokedMs = Date.now();
    const after = await readTraces(revision);
    // istiod reads its token's file again each minute: whoever still had the old one in mind would show by now.
    await sleep(20_000);
    const usesOf = (slot: string) =>
      readAuditLog(
        "shop",
        (event) => event.user === `system:serviceaccount:${identityNamespace}:istiod-${revision}-${slot}`,
      );
    const newUses = (await usesOf("b")).filter((event) => event.atMs > handedOverMs && event.atMs < revokedMs);
    const oldUses = (await usesOf("a")).filter((event) => event.atMs > revokedMs);
    return { before, atHandOver, after, conditions: [...conditions], newUses, oldUses };
  });
}

/** Each renewal waits for a minute in which istiod comes to its new token, so all go on side by side while the first tests run. */
let killed: Map<string, ReturnType<typeof renewWithKill>>;
let undisturbed: ReturnType<typeof renewUndisturbed>;
let revoked: Map<string, ReturnType<typeof revokeToken>>;

beforeAll(async () => {
  [shop, host] = await Promise.all([adminClient("shop"), adminClient("istiod-eu-1-b")]);
  mesh = await connectMesh("shop");
  killed = new Map(credentialRenewalSteps.map((step) => [step, renewWithKill(step)]));
  undisturbed = renewUndisturbed();
  revoked = overlap(lines, lines.length, (revokedLine) => revokeToken(mesh, revokedLine));
  // A failure is the failure of the test that waits for it.
  void Promise.allSettled([...killed.values(), undisturbed]);
});

afterAll(async () => {
  await Promise.allSettled([...killed.values(), undisturbed, ...revoked.values()]);
  await disconnectMesh(mesh);
});

describe("Pilothouse's own token", () => {
  const nowMs = (): number => Date.now() + connectionAheadMs;
  let pay: KubeClient;
  let folder: string;

  beforeAll(async () => {
    pay = await adminClient("pay");
    folder = await mkdtemp(join(tmpdir(), "pilothouse-renewal-"));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  /** Asks with a connection's token for the very Secret it is bound to. */
  async function useToken({ server, certificateAuthority, token }: MeshCluster): Promise<unknown> {
    const access = {
      server,
      ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
      credential: { token: token.token },
    };
    const client = createKubeClient(access, { deadline: createDeadline(10_000) });
    try {
      const secret = await client.get({ ...secretKind, namespace: identityNamespace, name: token.secretName });
      return secret === undefined ? "Secret gone" : "taken";
    } catch (error) {
      return error instanceof Error && "code" in error ? error.code : error;
    } finally {
      await client.close();
    }
  }

  test("is replaced at 60 % of its life: the new one works, the old one is refused within about 10 s", async () => {
    const connected = await connectMesh("pay");
    const { provider } = await readTestGround();
    const file = join(folder, "undisturbed.json");
    const renew = (ahead: boolean) =>
      renewConnection(file, {
        cluster: connected,
        provider,
        deadline: createDeadline(30_000),
        ...(ahead ? { nowMs } : {}),
      });
    const early = await renew(false);
    expect(early).toMatchObject({ renewed: false, cluster: connected });
    expect(await readStoredConnection(file)).toBeUndefined();
    expect(await useToken(connected)).toBe("taken");

    const { cluster, renewed } = await renew(true);
    const revokedMs = performance.now();
    expect(renewed).toBe(true);
    expect(await readStoredConnection(file)).toEqual(cluster);
    expect(await useToken(cluster)).toBe("taken");
    await expect.poll(() => useToken(connected), { timeout: 15_000, interval: 200 }).toBe("Unauthorized");
    expect(performance.now() - revokedMs).toBeLessThan(12_000);
    expect(await useToken(cluster)).toBe("taken");
    const secrets = await pay.list(secretKind, { namespace: identityNamespace });
    expect(secrets.map((secret) => secret.metadata.uid)).toEqual([cluster.token.secretUid]);
    await disconnectMesh(cluster);
  });

  test.each(renewSteps)("killed after %s and renewed again: one bound Secret, and a token that works", async (step) => {
    const connected = await connectMesh("pay");
    const { provider } = await readTestGround();
    const connectionFile = join(folder, `${step}.json`);
    const worker = startWorker({
      verb: "renewConnection",
      cluster: "pay",
      mesh: connected,
      connectionFile,
      aheadMs: connectionAheadMs,
      stopAfter: step,
    });
    const { signal } = await worker.ended;
    expect(worker.steps).toEqual(renewSteps.slice(0, renewSteps.indexOf(step) + 1));
    expect(signal).toBe("SIGKILL");

    // What a process that comes back has is what was stored, and that always works.
    const stored = (await readStoredConnection(connectionFile)) ?? connected;
    expect(await useToken(stored)).toBe("taken");
    const isStored = renewSteps.indexOf(step) >= renewSteps.indexOf("clusterSaved");
    expect(stored.token.secretUid !== connected.token.secretUid).toBe(isStored);
    const { cluster, renewed } = await renewConnection(connectionFile, {
      cluster: stored,
      provider,
      deadline: createDeadline(30_000),
      // A connection that was stored is new; the next renewal is not due.
      ...(isStored ? {} : { nowMs }),
    });
    expect(renewed).toBe(!isStored);
    expect(await useToken(cluster)).toBe("taken");
    const secrets = await pay.list(secretKind, { namespace: identityNamespace });
    expect(secrets.map((secret) => secret.metadata.uid)).toEqual([cluster.token.secretUid]);
    await disconnectMesh(cluster);
  });
});

describe("istiod's token", () => {
  test("at 60 % of its life it is replaced; the old one is revoked only when istiod acts with the new one", async () => {
    const { before, atHandOver, after, conditions, newUses, oldUses } = await undisturbed;
    expect(before.accounts).toEqual(["istiod-renewed-a"]);
    expect(atHandOver.accounts).toEqual(["istiod-renewed-a", "istiod-renewed-b"]);
    expect(after.accounts).toEqual(["istiod-renewed-b"]);
    expect(after.secrets).toEqual(["istiod-renewed-b-token"]);
    expect(after.pods).toEqual(before.pods);
    // Ready all the time.
    expect(conditions).toEqual(["True RenewalTakingEffect, Ready True Proven", "True TokenValid, Ready True Proven"]);
    expect(newUses.length).toBeGreaterThan(0);
    expect(oldUses).toEqual([]);
  });

  test.each(credentialRenewalSteps)(
    "renewal killed after %s and run again: renewed, nothing left over",
    async (step) => {
      const seen = await killed.get(step);
      const revision = `renewal-${credentialRenewalSteps.indexOf(step)}`;
      expect(seen?.signal).toBe("SIGKILL");
      expect(seen?.steps).toContain(step);
      // It was in the midst of it: two identities, save where the old one had just been ended.
      const isEnded = step === "oldTokenRevoked" || step === "renewalRecorded";
      expect(seen?.atKill.accounts).toHaveLength(isEnded ? 1 : 2);
      expect(seen?.after.accounts).toEqual([`istiod-${revision}-b`]);
      expect(seen?.after.secrets).toEqual([`istiod-${revision}-b-token`]);
      expect(seen?.after.pods).toEqual(seen?.before.pods);
      expect(seen?.proofs.map((proof) => proof.ok)).toEqual([true, true, true, true]);
    },
  );

  test.each(lines)(
    "on line %s, once revoked, is refused at the next call of its istiod, within 10 s",
    async (revokedLine) => {
      const seen = await revoked.get(revokedLine);
      expect(seen?.answers).toEqual(["taken", "Unauthorized"]);
      expect(seen?.revokedProofs.map((proof) => [proof.ok, proof.reason])).toEqual([[false, "Unauthenticated"]]);
      expect(seen?.calls.length).toBeGreaterThan(0);
      expect(seen?.calls.filter((event) => event.atMs > seen.revokedMs + 10_000)).toEqual([]);
      expect(seen?.said).toEqual(["Unknown ReissueTakingEffect", "True TokenValid"]);
      expect(seen?.ready.observed.proofs.map((proof) => proof.ok)).toEqual([true, true, true, true]);
      expect(seen?.podsBefore).toHaveLength(1);
      expect(seen?.podsAfter).toEqual(seen?.podsBefore);
    },
  );
});
