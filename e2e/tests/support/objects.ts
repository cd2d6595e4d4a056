import { createHash } from "node:crypto";
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
const ItemSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional(), uid: z.string().optional() }),
});
const ListSchema = z.object({ items: z.array(ItemSchema).nullable() });

/**
 * Kinds that say nothing about what a test left: events, endpoints and measurements come and go by themselves, and a ComponentStatus
 * is the outcome of a health check made for the answer.
 */
const volatileKinds = new Set(["Event", "EndpointSlice", "Endpoints", "PodMetrics", "ComponentStatus"]);

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

/** The same value with the keys of its objects in one order. */
function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * A digest of what somebody wrote into an object: its status, which controllers write, and the API server's record of who wrote
 * what and when are left out.
 */
function digestContent(item: z.infer<typeof ItemSchema>): string {
  const { metadata, status: _status, ...rest } = item;
  const { resourceVersion: _resourceVersion, managedFields: _managedFields, ...kept } = metadata;
  const text = JSON.stringify({ ...rest, metadata: kept }, sortKeys);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/**
 * Every object of a cluster that can be listed, as `group/version Kind namespace/name uid digest`, sorted; the digest is that of its
 * content. Leases of nodes and of the API server itself are left out; Leases of other namespaces are in.
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
      if (volatileKinds.has(resource.kind)) continue;
      const { items } = ListSchema.parse(await ask(client, `${path}/${resource.name}`));
      for (const item of items ?? []) {
        const { name, namespace, uid } = item.metadata;
        if (resource.kind === "Lease" && (namespace ?? "").startsWith("kube-")) continue;
        found.push(
          `${path.replace(/^\/apis?\//, "")} ${resource.kind} ${namespace === undefined ? "" : `${namespace}/`}${name} ${uid ?? ""} ${digestContent(item)}`,
        );
      }
    }
  }
  return found.toSorted();
}

/** A line of the list without the digest. */
const identityOf = (line: string): string => line.slice(0, line.lastIndexOf(" "));

/** What differs between two lists of objects, each as `group/version Kind namespace/name uid`. */
export interface ObjectDifferences {
  /** Only in the first list. */
  gone: string[];
  /** Only in the second list. */
  added: string[];
  /** In both, with other contents. */
  changed: string[];
}

/** What two lists of `listAllObjects` say when nothing has happened between them. */
export const noDifferences: ObjectDifferences = { gone: [], added: [], changed: [] };

/** Compares two lists of `listAllObjects`. An object that was removed and made again is gone and added. */
export function compareObjects(before: string[], after: string[]): ObjectDifferences {
  const old = new Set(before.map(identityOf));
  const now = new Set(after.map(identityOf));
  const unchanged = new Set(before);
  return {
    gone: [...old].filter((name) => !now.has(name)),
    added: [...now].filter((name) => !old.has(name)),
    changed: after
      .filter((line) => !unchanged.has(line))
      .map(identityOf)
      .filter((name) => old.has(name)),
  };
}
