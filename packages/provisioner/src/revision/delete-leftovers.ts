import type { IstiodLeftover } from "../istio/istiod-leftovers.ts";
import { isMadeByIstiod } from "../istio/is-made-by-istiod.ts";
import type { KubeClient, KubeObject, ObjectRef } from "../kube/types.ts";

/** Each delete has a time limit of its own, which waiting behind others must not use up. */
const atOnce = 4;

/**
 * Deletes what istiod left, where it is there. Of what is in every namespace only those that exist are deleted, so that a cluster of a thousand
 * namespaces gets one list and not a thousand deletes.
 */
export async function deleteLeftovers(client: KubeClient, leftovers: IstiodLeftover[]): Promise<void> {
  const found = await mapFew(leftovers, (leftover) => findLeftover(client, leftover));
  await mapFew(found.flat(), ({ uid, ...ref }) => client.delete(ref, uid === undefined ? {} : { uid }));
}

async function findLeftover(
  client: KubeClient,
  { apiVersion, kind, name, namespace }: IstiodLeftover,
): Promise<(ObjectRef & { uid?: string })[]> {
  const ref = { apiVersion, kind, name };
  if (namespace === "every") {
    // RBAC grants a list of one name to whoever may list that name.
    const objects = await client.listMetadata({ apiVersion, kind }, { fieldSelector: `metadata.name=${name}` });
    return objects.flatMap(({ metadata }) =>
      metadata.namespace === undefined ? [] : [{ ...ref, namespace: metadata.namespace }],
    );
  }
  if (kind !== "GatewayClass") return [{ ...ref, ...(namespace === undefined ? {} : { namespace }) }];
  const gatewayClass = await client.get(ref);
  return gatewayClass !== undefined && isMadeByIstiod(gatewayClass) ? [withUid(ref, gatewayClass)] : [];
}

function withUid(ref: ObjectRef, { metadata: { uid } }: KubeObject): ObjectRef & { uid?: string } {
  return { ...ref, ...(uid === undefined ? {} : { uid }) };
}

async function mapFew<Item, Result>(items: Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += atOnce)
    results.push(...(await Promise.all(items.slice(start, start + atOnce).map(work))));
  return results;
}
