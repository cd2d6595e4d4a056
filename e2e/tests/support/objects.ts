import { setTimeout as sleep } from "node:timers/promises";
import { type KubeClient, ProvisionerError } from "@pilothouse/provisioner";
import { z } from "zod";

const GroupsSchema = z.object({
  groups: z.array(z.object({ preferredVersion: z.object({ groupVersion: z.string() }) })),
});
const ResourcesSchema = z.object({
  resources: z.array(
    z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean(), verbs: z.array(z.string()) }),
  ),
});
const ListSchema = z.object({
  items: z
    .array(
      z.object({
        metadata: z.object({ name: z.string(), namespace: z.string().optional(), uid: z.string().optional() }),
      }),
    )
    .nullable(),
});

/** Kinds whose objects come and go by themselves, and say nothing about what a test left. */
const volatileKinds = new Set(["Event", "Lease", "EndpointSlice", "Endpoints", "PodMetrics"]);

/** GET, tried again for a while: an API server answers 429 for kinds whose definitions it is just taking up. */
async function ask(client: KubeClient, path: string): Promise<unknown> {
  const endMs = performance.now() + 20_000;
  for (;;) {
    try {
      return await client.request("GET", path);
    } catch (error) {
      if (!(error instanceof ProvisionerError) || error.kind !== "transient" || performance.now() > endMs) throw error;
      await sleep(250);
    }
  }
}

/**
 * Every object of a cluster that can be listed, as `group/version Kind namespace/name uid`, sorted. Leases of nodes and of the API server
 * itself, events and endpoints are left out; Leases of other namespaces are in.
 */
export async function listAllObjects(client: KubeClient): Promise<string[]> {
  const groups = GroupsSchema.parse(await ask(client, "/apis")).groups.map(
    (group) => `/apis/${group.preferredVersion.groupVersion}`,
  );
  const found: string[] = [];
  for (const path of ["/api/v1", ...groups]) {
    const { resources } = ResourcesSchema.parse(await ask(client, path));
    for (const resource of resources) {
      if (resource.name.includes("/") || !resource.verbs.includes("list")) continue;
      if (volatileKinds.has(resource.kind) && resource.kind !== "Lease") continue;
      const { items } = ListSchema.parse(await ask(client, `${path}/${resource.name}`));
      for (const { metadata } of items ?? []) {
        if (resource.kind === "Lease" && (metadata.namespace ?? "").startsWith("kube-")) continue;
        found.push(
          `${path.replace(/^\/apis?\//, "")} ${resource.kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name} ${metadata.uid ?? ""}`,
        );
      }
    }
  }
  return found.toSorted();
}

/** What is only in the first list, and what is only in the second. */
export function compareObjects(before: string[], after: string[]): { gone: string[]; added: string[] } {
  return {
    gone: before.filter((name) => !after.includes(name)),
    added: after.filter((name) => !before.includes(name)),
  };
}
