import { operations } from "@pilothouse/contract";
import { z } from "zod";
import { finishWork, makeProvider, makeTenant, registerWorker, type World } from "./world.ts";

/** Ids that requests can name without asking first: schemathesis.toml has them. */
const knownIds = {
  operation: "01980000-0000-7000-8000-00000000000a",
  apiKey: "01980000-0000-7000-8000-00000000000b",
  member: "01980000-0000-7000-8000-00000000000c",
};

/** The clusters of a tenant, each with its control planes. */
type Wishes = Readonly<Record<string, readonly string[]>>;

/**
 * Fills a world as it is after some days: two tenants with clusters, control planes and keys, operations in every state, conditions of
 * every kind. Of the tenant `shop`, the cluster is `main`, or `spare` where nothing may depend on it, the control plane `mesh`.
 * @returns keys of `shop`, by role
 */
export async function furnishWorld(world: World): Promise<Awaited<ReturnType<typeof makeTenant>>> {
  await registerWorker(world.owner);
  await makeProvider(world, 500);
  const shop = await makeTenant(world, "shop");
  const pay = await makeTenant(world, "pay");
  await order(world, "shop", shop.owner, { main: ["mesh", "mesh-2"], second: ["edge"], spare: [] });
  await order(world, "pay", pay.owner, { main: ["mesh"] });
  await addMembers(world);
  await addOperations(world);
  await addObservations(world);
  return shop;
}

async function order(world: World, tenant: string, key: string, wishes: Wishes): Promise<void> {
  const { checker, owner } = world;
  const params = { tenant };
  for (const name of Object.keys(wishes)) {
    const body = { name, kind: "gardener", seed: "seed", kubeconfig: "kind: Config" };
    await checker.succeed(operations.connectCluster, { key, params, body });
  }
  await finishWork(owner);
  for (const [cluster, names] of Object.entries(wishes)) {
    for (const name of names) {
      await checker.succeed(operations.createControlPlane, { key, params, body: { name, cluster, line: "1.32" } });
    }
  }
  await finishWork(owner);
}

/** One who administers, and one who can be taken away. */
async function addMembers({ owner }: World): Promise<void> {
  for (const [id, name, role] of [
    ["01980000-0000-7000-8000-00000000000d", "admin", "admin"],
    [knownIds.member, "guest", "viewer"],
  ]) {
    await owner.query("INSERT INTO users (id, email, display_name) VALUES ($1, $2 || '@example.org', $2)", [id, name]);
    await owner.query(
      "INSERT INTO memberships (tenant_id, user_id, role, accepted_at) SELECT id, $1, $2, now() FROM tenants WHERE name = 'shop'",
      [id, role],
    );
  }
}

async function addOperations({ checker, owner, platformKey }: World): Promise<void> {
  const { body } = await checker.succeed(operations.createTenantApiKey, {
    key: platformKey,
    params: { tenant: "shop" },
    body: { name: "spare", role: "viewer", expiresAt: "2100-01-01T00:00:00Z" },
  });
  await owner.query("UPDATE api_keys SET id = $1 WHERE id = $2", [
    knownIds.apiKey,
    z.object({ id: z.string() }).parse(body).id,
  ]);
  await owner.query(
    `INSERT INTO operations (id, tenant_id, kind, object_kind, object_id, object_name, state, generation, reason, message, requested_by, started_at, finished_at)
     SELECT $1::uuid, id, 'control-plane.delete', 'control-plane', gen_random_uuid(), 'old', 'failed', 2, 'ClusterUnreachable',
       'The cluster could not be reached; two webhooks were left behind.', 'key:' || $2, now(), now() FROM tenants WHERE name = 'shop'`,
    [knownIds.operation, knownIds.apiKey],
  );
  await owner.query(
    `INSERT INTO operation_steps (operation_id, tenant_id, name, position)
     SELECT $1::uuid, id, step, position FROM tenants, unnest(ARRAY['WebhooksRemoved', 'EndpointWithdrawn']) WITH ORDINALITY AS t (step, position)
     WHERE tenants.name = 'shop'`,
    [knownIds.operation],
  );
  await owner.query(
    `UPDATE operations SET state = 'superseded' WHERE kind = 'control-plane.create' AND object_name = 'mesh-2'`,
  );
}

/** What workers saw. */
async function addObservations({ owner }: World): Promise<void> {
  await owner.query(
    `UPDATE mesh_clusters SET server = 'https://' || name || '.example.org', kubernetes_version = 'v1.34.4', observed_generation = generation,
       token_issued_at = now(), token_expires_at = now() + interval '1 day'`,
  );
  await owner.query(
    `UPDATE revisions SET observed_generation = generation, credential_issued_at = now(), credential_expires_at = now() + interval '1 day', ready_at = now()`,
  );
  const lastKnown = JSON.stringify({
    status: "True",
    reason: "AllPassed",
    message: "All proofs passed.",
    at: "2026-11-20T10:00:00.000Z",
  });
  for (const [type, status, known] of [
    ["Ready", "Unknown", lastKnown],
    ["Proven", "Unknown", lastKnown],
    ["IstiodAvailable", "True", null],
    ["Serving", "False", null],
  ]) {
    await owner.query(
      `INSERT INTO conditions (tenant_id, object_kind, object_id, type, status, reason, message, observed_generation, last_transition_at, last_known)
       SELECT tenant_id, 'revision', id, $1, $2, 'Seen', 'As it was seen.', 1, now(), $3::jsonb FROM revisions`,
      [type, status, known],
    );
  }
  await owner.query(
    `INSERT INTO conditions (tenant_id, object_kind, object_id, type, status, reason, message, observed_generation, last_transition_at)
     SELECT tenant_id, 'cluster', id::text, 'Connected', 'True', 'Seen', 'As it was seen.', 1, now() FROM mesh_clusters`,
  );
}
