import { randomBytes } from "node:crypto";
import { operations } from "@pilothouse/contract";
import {
  connectDatabase,
  copyDatabase,
  createSealingKeys,
  type DatabaseCopy,
  ensurePlatformKey,
} from "@pilothouse/core";
import { Client } from "pg";
import { inject } from "vitest";
import { z } from "zod";
import { type ContractChecker, createContractChecker } from "./contract-checker.ts";
import { startWeb, type WebServer } from "./web-server.ts";

declare module "vitest" {
  interface ProvidedContext {
    serviceDatabase: { migrator: string; web: string; worker: string };
  }
}

/** A database of one's own, a web server in front of it, and the platform's first key. */
export interface World {
  database: DatabaseCopy;
  owner: Client;
  web: WebServer;
  checker: ContractChecker;
  platformKey: string;
  close: () => Promise<void>;
}

export async function openWorld(environment: Record<string, string> = {}): Promise<World> {
  const database = await copyDatabase(inject("serviceDatabase"));
  const owner = new Client({ connectionString: database.migrator });
  await owner.connect();
  const platformKey = await makePlatformKey(database.web);
  const web = await startWeb({ DATABASE_URL: database.web, ...environment });
  return {
    database,
    owner,
    web,
    checker: createContractChecker(web.url),
    platformKey,
    close: async () => {
      await web.stop();
      await owner.end();
      await database.drop();
    },
  };
}

async function makePlatformKey(url: string): Promise<string> {
  const key = `plth_${randomBytes(32).toString("base64url")}`;
  const database = connectDatabase(url, 1);
  await ensurePlatformKey(database, key);
  await database.$disconnect();
  return key;
}

/** Does what a worker's first start does. */
export async function registerWorker(owner: Client): Promise<void> {
  const { publicKey } = await createSealingKeys();
  await owner.query("INSERT INTO sealing_keys (id, public_key) VALUES (gen_random_uuid(), $1)", [
    Buffer.from(publicKey),
  ]);
}

export const roles = ["viewer", "operator", "admin", "owner"] as const;

/** Makes a tenant, and a key of each role. */
export async function makeTenant(world: World, name: string): Promise<Record<(typeof roles)[number], string>> {
  const { checker, platformKey: key } = world;
  await checker.succeed(operations.createTenant, { key, body: { name, displayName: `Tenant ${name}` } });
  const keys = await Promise.all(
    roles.map(async (role) => {
      const { body } = await checker.succeed(operations.createTenantApiKey, {
        key,
        params: { tenant: name },
        body: { name: role, role },
      });
      return [role, z.object({ key: z.string() }).parse(body).key] as const;
    }),
  );
  return z.record(z.enum(roles), z.string()).parse(Object.fromEntries(keys));
}

/** Makes a region, a seed, a line with a version, and an istiod cluster with room for so many revisions. */
export async function makeProvider(world: World, slots: number): Promise<void> {
  const { checker, platformKey: key } = world;
  await checker.succeed(operations.createRegion, { key, body: { name: "eu", displayName: "Europe" } });
  await checker.succeed(operations.createSeed, { key, body: { name: "seed", region: "eu", provider: "local" } });
  await checker.succeed(operations.createVersionLine, { key, body: { name: "1.32" } });
  await checker.succeed(operations.createVersion, { key, body: versionBody("1.32.0") });
  await checker.succeed(operations.createIstiodCluster, { key, body: istiodClusterBody("istiod", slots) });
}

export function versionBody(name: string): Record<string, unknown> {
  return {
    name,
    line: "1.32",
    charts: { base: "istio/base", istiod: "istio/istiod" },
    image: { hub: "istio", tag: name, pullPolicy: "IfNotPresent" },
  };
}

export function istiodClusterBody(name: string, slots: number): Record<string, unknown> {
  return {
    name,
    region: "eu",
    line: "1.32",
    edgeAddresses: ["192.0.2.1"],
    capacity: { slots, cpuMilli: 100_000, memoryMib: 100_000 },
    kubeconfig: "kind: Config",
  };
}

/** Ends every operation, as workers do, and connects every cluster. */
export async function finishWork(owner: Client): Promise<void> {
  await owner.query("UPDATE operations SET state = 'succeeded', finished_at = now() WHERE finished_at IS NULL");
  await owner.query("UPDATE mesh_clusters SET cluster_uid = gen_random_uuid()::text WHERE cluster_uid IS NULL");
}
