import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { CreateIstiodClusterBody, Job, KeyRole } from "@pilothouse/contract";
import { afterAll, beforeAll, inject } from "vitest";
import {
  connectCluster,
  copyDatabase,
  connectDatabase,
  createIstiodCluster,
  createRegion,
  createSealingKeys,
  createSeed,
  createTenant,
  createVersion,
  createVersionLine,
  type Database,
  type DatabaseCopy,
  DomainError,
  registerSealingKeys,
  type RequestContext,
} from "../../src/index.ts";

/** A database of the test file's own, as each role sees it. */
export interface Ground {
  copy: DatabaseCopy;
  web: Database;
  worker: Database;
  /** Its owner, whom nothing stops: to look at what is really there. */
  owner: Database;
  sealingKey: { id: string; publicKey: Uint8Array; privateKey: Uint8Array };
}

const open: { ground?: Ground } = {};

/** Makes the ground before the tests of a file, and removes it behind them. */
export function useGround(): () => Ground {
  beforeAll(async () => {
    const copy = await copyDatabase(inject("serviceDatabase"));
    const [web, worker, owner] = [
      connectDatabase(copy.web, 12),
      connectDatabase(copy.worker, 4),
      connectDatabase(copy.migrator, 4),
    ];
    const sealingKey = { id: randomUUID(), ...(await createSealingKeys()) };
    await registerSealingKeys(worker, [sealingKey]);
    open.ground = { copy, web, worker, owner, sealingKey };
    await fillCatalogue(open.ground);
  });
  afterAll(async () => {
    const { ground } = open;
    if (ground === undefined) return;
    await Promise.all([ground.web.$disconnect(), ground.worker.$disconnect(), ground.owner.$disconnect()]);
    await ground.copy.drop();
  });
  return () => {
    if (open.ground === undefined) throw new Error("The ground is made in beforeAll.");
    return open.ground;
  };
}

/** Two regions, a seed, two lines with versions, and no istiod cluster. */
async function fillCatalogue(ground: Ground): Promise<void> {
  const platform = asPlatform(ground);
  for (const name of ["eu-1", "us-1"]) await createRegion(platform, { name, displayName: name.toUpperCase() });
  await createSeed(platform, { name: "seed-eu-1", region: "eu-1", zones: ["a", "b"], provider: "local" });
  for (const line of ["1.22", "1.32"]) await createVersionLine(platform, { name: line, state: "supported" });
  for (const [line, name] of [
    ["1.22", "1.22-dev"],
    ["1.32", "1.32.0"],
    ["1.32", "1.32.1"],
  ] as const) {
    await createVersion(platform, {
      name,
      line,
      state: "available",
      charts: { base: "charts/base", istiod: "charts/istiod" },
      image: { hub: "hub", tag: name, pullPolicy: "IfNotPresent" },
    });
  }
}

/** A context whose wakes can be read. */
export interface TestContext extends RequestContext {
  wakes: Job[];
}

function makeContext(ground: Ground, actor: Omit<RequestContext["actor"], "requestId" | "principal">): TestContext {
  const wakes: Job[] = [];
  return {
    database: ground.web,
    actor: { principal: { kind: "key", id: randomUUID() }, requestId: randomUUID(), ...actor },
    wake: async (job) => {
      wakes.push(job);
    },
    config: { domain: "mesh.test" },
    wakes,
  };
}

export function asPlatform(ground: Ground): TestContext {
  return makeContext(ground, { tenantId: null, tenantName: null, role: "platform" });
}

let names = 0;
/** A name of no other. */
export function makeName(prefix: string): string {
  names += 1;
  return `${prefix}-${names}`;
}

/** A tenant of the test's own. */
export async function makeTenant(ground: Ground, role: KeyRole = "owner"): Promise<TestContext> {
  const { body } = await createTenant(asPlatform(ground), { name: makeName("tenant"), displayName: "Tenant" });
  return makeContext(ground, { tenantId: body.id, tenantName: body.name, role });
}

/** The same tenant with a key of another role. */
export function withRole(context: TestContext, role: KeyRole): TestContext {
  return { ...context, actor: { ...context.actor, role } };
}

/** The same tenant with a request under an Idempotency-Key. */
export function withKey(context: TestContext, key: string, request: string): TestContext {
  return { ...context, idempotency: { key, requestHash: Buffer.from(request.padEnd(32, "0")) } };
}

/** An istiod cluster with room for `slots` revisions of one istiod. */
export async function makeIstiodCluster(ground: Ground, more: Partial<CreateIstiodClusterBody> = {}): Promise<string> {
  const name = more.name ?? makeName("istiod");
  await createIstiodCluster(asPlatform(ground), {
    name,
    region: "eu-1",
    zones: ["a"],
    line: "1.32",
    edgeAddresses: ["192.0.2.1"],
    schedulable: true,
    capacity: { slots: 100, cpuMilli: 100_000, memoryMib: 100_000 },
    kubeconfig: "kubeconfig of the istiod cluster",
    ...more,
  });
  return name;
}

/** A mesh cluster that a worker has connected. */
export async function makeConnectedCluster(ground: Ground, context: TestContext, name = "shop"): Promise<string> {
  const { body } = await connectCluster(context, {
    name,
    kind: "gardener",
    seed: "seed-eu-1",
    kubeconfig: "kubeconfig",
  });
  await ground.owner.meshCluster.update({ where: { id: body.resource.id }, data: { clusterUid: randomUUID() } });
  await finishOperation(ground, body.operation.id);
  return body.resource.id;
}

/** Ends an operation as a worker would. */
export async function finishOperation(ground: Ground, id: string): Promise<void> {
  await ground.owner.operation.update({ where: { id }, data: { state: "succeeded", finishedAt: new Date() } });
}

/** The DomainError that `work` ends with. */
export async function catchRefusal(work: Promise<unknown>): Promise<DomainError> {
  const result = await work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("error" in result && result.error instanceof DomainError) return result.error;
  throw new Error(`expected a refusal, got ${JSON.stringify(result)}`, {
    cause: "error" in result ? result.error : undefined,
  });
}

/** Waits until readers take the event with this id: transactions of other files' databases, which are on the same server, hold it back, too. */
export async function waitUntilVisible(ground: Ground, eventId: string): Promise<void> {
  const [xid = ""] = eventId.split("-");
  for (let looks = 0; looks < 500; looks += 1) {
    const [row] = await ground.owner.$queryRaw<{ isVisible: boolean }[]>`
      SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > ${xid}::bigint AS "isVisible"`;
    if (row?.isVisible === true) return;
    await sleep(20);
  }
  throw new Error(`Event ${eventId} did not become visible within 10 s.`);
}

/** Random text that can be searched for. */
export function makeSecret(): string {
  return randomBytes(24).toString("hex");
}
