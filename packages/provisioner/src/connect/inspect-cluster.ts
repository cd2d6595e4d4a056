import { ProvisionerError } from "../errors.ts";
import { istioSystem } from "../istio/names.ts";
import type { KubeClient, KubeObject } from "../kube/types.ts";
import { clusterLabel, managedByLabel, managedByValue } from "../labels.ts";
import { findIstioGroups, findRunningIstio } from "./find-istio.ts";
import type { ObjectPlan } from "./plan-objects.ts";
import { listPlanned } from "./plan-objects.ts";

/** What is in the cluster already. */
export interface ClusterInspection {
  /** Istio's API groups that are served: CustomResourceDefinitions that are there already. */
  istioGroups: string[];
  systemNamespace: "absent" | "pilothouse" | "tenant";
  /** Pilothouse has connected the cluster before, under the same id. */
  isConnected: boolean;
}

/**
 * Looks whether the cluster can be connected under this id.
 *
 * @throws ProvisionerError (kind user) IstioPresent, ConnectedElsewhere or NameTaken; (kind notReady) BeingRemoved
 */
export async function inspectCluster(
  client: KubeClient,
  clusterId: string,
  plan: ObjectPlan,
): Promise<ClusterInspection> {
  const outside = [plan.anchor, ...listPlanned(plan)].filter(
    ({ metadata: { namespace } }) => namespace === undefined || namespace === istioSystem,
  );
  const [istioGroups, running, present] = await Promise.all([
    findIstioGroups(client),
    findRunningIstio(client, clusterId),
    Promise.all(
      outside.map(({ apiVersion, kind, metadata: { name, namespace } }) =>
        client.get({ apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) }),
      ),
    ),
  ]);
  const found = present.filter((object) => object !== undefined);
  for (const object of found) assertOurs(client.server, object, clusterId);
  if (running.length > 0) {
    throw new ProvisionerError(
      "user",
      "IstioPresent",
      `The cluster runs Istio already: ${summarise(running)}. Two Istios in one cluster break each other. Remove that one (istioctl uninstall --purge; its CustomResourceDefinitions may stay), or connect another cluster.`,
    );
  }
  const system = found.find(isSystemNamespace);
  const owner = system?.metadata.labels?.[managedByLabel] === managedByValue ? "pilothouse" : "tenant";
  return {
    istioGroups,
    systemNamespace: system === undefined ? "absent" : owner,
    isConnected: found.some(({ metadata: { name } }) => name === plan.anchor.metadata.name),
  };
}

function assertOurs(server: string, object: KubeObject, clusterId: string): void {
  const { name, namespace, labels, deletionTimestamp } = object.metadata;
  const what = `${object.kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
  if (deletionTimestamp !== undefined) {
    throw new ProvisionerError(
      "notReady",
      "BeingRemoved",
      `${what} at ${server} is just being removed. Connecting goes on when it is gone; if that never happens, look for what its finalizers wait for.`,
    );
  }
  // istio-system may be the tenant's, or left by an earlier connection because it holds the certificate authority.
  if (isSystemNamespace(object)) return;
  if (labels?.[managedByLabel] !== managedByValue) {
    throw new ProvisionerError(
      "user",
      "NameTaken",
      `${what} at ${server} isn't Pilothouse's (it lacks the label ${managedByLabel}=${managedByValue}), which needs that name. Remove or rename it.`,
    );
  }
  const other = labels[clusterLabel];
  if (other === clusterId) return;
  throw new ProvisionerError(
    "user",
    "ConnectedElsewhere",
    `The cluster is connected already, as ${other ?? "a cluster without id"} (label ${clusterLabel} of ${what}). Disconnect it there first.`,
  );
}

function isSystemNamespace({ kind, metadata: { name } }: KubeObject): boolean {
  return kind === "Namespace" && name === istioSystem;
}

const mostNamed = 6;

function summarise(names: string[]): string {
  const more = names.length - mostNamed;
  return `${names.slice(0, mostNamed).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
