import { z } from "zod";
import { buildObjectMeta } from "../istio/names.ts";
import type { KubeObject, ObjectRef } from "../kube/types.ts";
import type { RevisionScope } from "./scope.ts";

const name = "pilothouse-inventory";
const key = "objects";

const RefsSchema = z.array(
  z.strictObject({ apiVersion: z.string(), kind: z.string(), name: z.string(), namespace: z.string().optional() }),
);

const toRef = (object: KubeObject): ObjectRef => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  name: object.metadata.name,
  ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
});

const identify = (ref: ObjectRef): string =>
  [ref.apiVersion.split("/")[0], ref.kind, ref.namespace ?? "", ref.name].join("|");

async function readInventory(scope: RevisionScope): Promise<ObjectRef[]> {
  const stored = await scope.istiodClient.get({
    apiVersion: "v1",
    kind: "ConfigMap",
    name,
    namespace: scope.revision.id,
  });
  const data = z.record(z.string(), z.string()).safeParse(stored?.["data"]);
  try {
    return RefsSchema.parse(JSON.parse((data.success ? data.data[key] : undefined) ?? "[]")).map(
      ({ namespace, ...ref }) => ({
        ...ref,
        ...(namespace === undefined ? {} : { namespace }),
      }),
    );
  } catch {
    return [];
  }
}

async function writeInventory(scope: RevisionScope, refs: ObjectRef[]): Promise<void> {
  await scope.istiodClient.apply({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: buildObjectMeta(scope.revision, scope.mesh, name),
    data: { [key]: JSON.stringify(refs.toSorted((a, b) => (identify(a) < identify(b) ? -1 : 1))) },
  });
}

/**
 * Applies objects in their order, and removes what an earlier run applied and nobody wants any more. What is about to be made is
 * written down first: a process that is killed in between leaves nothing that no inventory knows.
 */
export async function applyWithInventory(scope: RevisionScope, objects: KubeObject[]): Promise<void> {
  const wanted = objects.map(toRef);
  const wantedIds = new Set(wanted.map(identify));
  const before = await readInventory(scope);
  const stale = before.filter((ref) => !wantedIds.has(identify(ref)));
  const isKnown = before.length === wanted.length + stale.length;
  if (!isKnown) await writeInventory(scope, [...wanted, ...stale]);
  for (const object of objects) await scope.istiodClient.apply(object);
  for (const ref of stale) await scope.istiodClient.delete(ref, { propagation: "Background" });
  if (stale.length > 0) await writeInventory(scope, wanted);
}
