import { z } from "zod";
import { ProvisionerError } from "../errors.ts";
import { findBuiltIn } from "./built-in-kinds.ts";
import { fieldAt, isRecord, stringAt } from "./field-at.ts";
import type { Transport } from "./transport.ts";

/** Where the objects of a kind are served. */
export interface ServedKind {
  /** `/api/v1` or `/apis/<group>/<version>` */
  root: string;
  /** Plural, such as `clusterroles`. */
  resource: string;
  namespaced: boolean;
}

export interface Discovery {
  /** undefined when the server does not serve the kind (yet). */
  find(kind: { apiVersion: string; kind: string }): Promise<ServedKind | undefined>;
}

/**
 * Asks the server once per API version what it serves, but for built-in kinds; what it didn't serve is asked again, since CRDs
 * come later.
 */
export function createDiscovery(transport: Transport): Discovery {
  const versions = new Map<string, Promise<Map<string, ServedKind>>>();

  async function load(apiVersion: string): Promise<Map<string, ServedKind>> {
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const body = await transport.send(
      { method: "GET", path: root },
      { verb: "read", subject: `the kinds of ${apiVersion}` },
      [404],
    );
    const kinds = new Map<string, ServedKind>();
    const resources = fieldAt(body, "resources");
    for (const entry of Array.isArray(resources) ? resources : []) {
      const kind = stringAt(entry, "kind");
      const resource = stringAt(entry, "name");
      // Subresources such as `pods/exec` carry kinds of their own.
      if (!isRecord(entry) || kind === undefined || resource === undefined || resource.includes("/")) continue;
      kinds.set(kind, { root, resource, namespaced: entry["namespaced"] === true });
    }
    return kinds;
  }

  return {
    async find({ apiVersion, kind }) {
      const builtIn = findBuiltIn({ apiVersion, kind });
      if (builtIn) return builtIn;
      const known = versions.get(apiVersion);
      // Whoever finds the cached list wanting asks anew; a failed or incomplete answer isn't kept.
      const cached = await known?.catch(() => undefined);
      const found = cached?.get(kind);
      if (found) return found;
      const newer = versions.get(apiVersion);
      if (newer !== undefined && newer !== known) return (await newer).get(kind);
      const loading = load(apiVersion);
      versions.set(apiVersion, loading);
      return (await loading).get(kind);
    },
  };
}

/** Discovery of all groups in one answer; a server that does not know it answers with the list of groups alone. */
export const discoveryForm = "application/json;as=APIGroupDiscoveryList;g=apidiscovery.k8s.io;v=v2,application/json";

const GroupsSchema = z.object({
  kind: z.literal("APIGroupDiscoveryList"),
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      versions: z
        .array(
          z.object({
            version: z.string(),
            resources: z.array(z.object({ resource: z.string() })).default([]),
          }),
        )
        .default([]),
    }),
  ),
});

/** What such an answer says is served, as `<group>/<version>/<resource>`; undefined for an answer of another form. */
export function readServed(body: unknown): ReadonlySet<string> | undefined {
  const { data } = GroupsSchema.safeParse(body);
  if (data === undefined) return undefined;
  return new Set(
    data.items.flatMap(({ metadata: { name }, versions }) =>
      versions.flatMap(({ version, resources }) => resources.map(({ resource }) => `${name}/${version}/${resource}`)),
    ),
  );
}

/** Path of an object, or of the collection when `name` is undefined. */
export function pathOfKind(served: ServedKind, namespace: string | undefined, name?: string): string {
  const place = served.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  if (served.namespaced && namespace === undefined && name !== undefined) {
    throw new ProvisionerError("unknown", "NamespaceMissing", `${served.resource} ${name} needs a namespace.`);
  }
  return `${served.root}${place}/${served.resource}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}
