import { ProvisionerError } from "../errors.ts";
import { istioSystem } from "../istio/names.ts";
import type { KubeClient, KubeObject } from "../kube/types.ts";
import { clusterNames } from "./cluster-names.ts";
import type { ClusterInspection } from "./inspect-cluster.ts";

/** Installs the anchor, and says whether this very call made it. */
export async function installAnchor(
  client: KubeClient,
  anchor: KubeObject,
  { isConnected }: ClusterInspection,
): Promise<{ uid: string; isNew: boolean }> {
  if (!isConnected) {
    try {
      return { uid: (await client.create(anchor)).metadata.uid ?? "", isNew: true };
    } catch (error) {
      if (!(error instanceof ProvisionerError) || error.code !== "AlreadyExists") throw error;
    }
  }
  return { uid: (await client.apply(anchor)).metadata.uid ?? "", isNew: false };
}

/**
 * Removes what a first install had made until it was refused: the cluster's garbage collector takes what the anchor owns. After any other failure
 * the same call goes on from there.
 *
 * @returns the error to throw
 */
export async function withdrawInstall(
  client: KubeClient,
  uid: string,
  { systemNamespace }: ClusterInspection,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof ProvisionerError) || error.kind !== "user") return error;
  const { anchor } = clusterNames;
  const ref = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", name: anchor };
  const isRemoved = await client.delete(ref, { uid, propagation: "Background" }).then(
    () => true,
    () => false,
  );
  const removed = isRemoved
    ? "What had been installed until then is removed again."
    : `What had been installed until then could not be removed: kubectl delete clusterrole ${anchor}.`;
  const staying =
    systemNamespace === "absent"
      ? ` Namespace ${istioSystem} may have been made, and stays: kubectl delete namespace ${istioSystem} --ignore-not-found.`
      : "";
  return new ProvisionerError(error.kind, error.code, `${error.message} ${removed}${staying}`, {
    cause: error,
    ...(error.parameter === undefined ? {} : { parameter: error.parameter }),
  });
}
