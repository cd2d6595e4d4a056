import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, type ControlPlane, type Operation, operations, ProblemError } from "@pilothouse/contract";
import { createTenantWithKey, registerFleet } from "../../src/register-fleet.ts";
import { buildWeb, type Service, type ServiceOptions, startService } from "../../src/service.ts";
import { findKubeconfig } from "./mesh.ts";
import { readTestGround } from "./test-fleet.ts";
import { waitFor } from "./wait-for.ts";

let built: Promise<void> | undefined;

/** Starts a service of its own on the shared fleet, which is registered with it. */
export async function startTestService(options: Pick<ServiceOptions, "redisUrl" | "fetch"> = {}): Promise<Service> {
  const ground = await readTestGround();
  await (built ??= buildWeb(process.env));
  const home = await mkdtemp(join(tmpdir(), "pilothouse-service-"));
  // Postgres runs as a user of its own, who has to come to its folder in here.
  await chmod(home, 0o711);
  const service = await startService({ ground, home, environment: process.env, ...options });
  await registerFleet(service.platform, ground);
  return {
    ...service,
    async stop() {
      await service.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** A tenant with its owner's client. */
export interface TestTenant {
  name: string;
  client: Client;
}

export async function makeTenant(service: Service, name: string): Promise<TestTenant> {
  return { name, client: service.connect(await createTenantWithKey(service.platform, name)) };
}

/** Reads an operation until it has ended. */
export async function waitForOperation(tenant: TestTenant, id: string, timeoutMs = 90_000): Promise<Operation> {
  let last: Operation | undefined;
  await waitFor(
    `operation ${id} to end`,
    async () => {
      last = (await tenant.client.call(operations.getOperation, { params: { tenant: tenant.name, operation: id } }))
        .body;
      return last.state !== "running";
    },
    timeoutMs,
  );
  if (last === undefined) throw new Error("no operation was read");
  return last;
}

/** Connects a cluster of the fleet over REST, and waits until it is connected. Control planes are placed near the seed. */
export async function connectOverRest(tenant: TestTenant, cluster: string, seed = "seed-eu-1"): Promise<void> {
  const { body } = await tenant.client.call(operations.connectCluster, {
    params: { tenant: tenant.name },
    body: {
      name: cluster,
      kind: "gardener",
      seed,
      kubeconfig: await readFile(await findKubeconfig(cluster), "utf8"),
    },
    idempotencyKey: `connect-${cluster}`,
  });
  const operation = await waitForOperation(tenant, body.operation.id);
  if (operation.state !== "succeeded")
    throw new Error(`connecting ${cluster} ${operation.state}: ${operation.message}`);
  const read = await tenant.client.call(operations.getCluster, { params: { tenant: tenant.name, cluster } });
  if (read.body.phase !== "Connected") throw new Error(`${cluster} is ${read.body.phase} after it was connected`);
}

export async function readControlPlane(tenant: TestTenant, name: string): Promise<ControlPlane> {
  return (await tenant.client.call(operations.getControlPlane, { params: { tenant: tenant.name, controlPlane: name } }))
    .body;
}

/** Code of the problem that a call is answered with; "" when it succeeds. */
export const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => "",
    (error: unknown) => {
      if (error instanceof ProblemError) return error.code;
      throw error;
    },
  );
