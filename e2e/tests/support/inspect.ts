import { operations, type Revision } from "@pilothouse/contract";
import type { KubeClient } from "@pilothouse/provisioner";
import { adminClient } from "./mesh.ts";
import { readControlPlane } from "./service-ground.ts";
import { keepIstiodTokens, persist, type Stage } from "./service-stage.ts";

/** How many of each kind a revision has in both clusters. */
type ObjectCounts = Record<"serviceAccounts" | "boundSecrets" | "deployments" | "replicaSets", number>;

/** What a revision has, and what nothing that happens may double. */
const oneOfEach: ObjectCounts = { serviceAccounts: 1, boundSecrets: 1, deployments: 1, replicaSets: 1 };

async function countObjects({ mesh, hosts }: Stage, { id, istiodCluster }: Revision): Promise<ObjectCounts> {
  const count = async (clients: readonly KubeClient[], apiVersion: string, kind: string, scope: object) =>
    (await Promise.all(clients.map((client) => client.list({ apiVersion, kind }, scope)))).flat().length;
  const identity = { namespace: "pilothouse-system", labelSelector: `pilothouse.io/revision=${id}` };
  const own = { namespace: id };
  // One that does not answer just then takes nothing: another may have been chosen than those that the stage is about.
  const all = [...hosts.values(), ...(hosts.has(istiodCluster) ? [] : [await adminClient(istiodCluster)])];
  return {
    serviceAccounts: await count([mesh], "v1", "ServiceAccount", identity),
    boundSecrets: await count([mesh], "v1", "Secret", identity),
    deployments: await count(all, "apps/v1", "Deployment", own),
    replicaSets: await count(all, "apps/v1", "ReplicaSet", own),
  };
}

/** What there is of a control plane, by the service and in the clusters. */
export async function inspect(
  stage: Stage,
  name: string,
): Promise<{ phase: string; revisions: number } & ObjectCounts> {
  const { phase } = await persist(() => readControlPlane(stage.tenant, name));
  const params = { tenant: stage.tenant.name, controlPlane: name };
  const { items } = (await persist(() => stage.tenant.client.call(operations.listRevisions, { params }))).body;
  await keepIstiodTokens(stage);
  const [newest] = items;
  if (newest === undefined) throw new Error(`control plane ${name} has no revision`);
  return { phase, revisions: items.length, ...(await countObjects(stage, newest)) };
}

/** What `inspect` says when all is well. */
export const readyOnce = { phase: "Ready", revisions: 1, ...oneOfEach };
