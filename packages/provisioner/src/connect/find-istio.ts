import { fieldAt, isRecord, stringAt } from "../kube/field-at.ts";
import type { KubeClient, KubeObject } from "../kube/types.ts";
import { clusterLabel, managedByLabel, managedByValue } from "../labels.ts";

const admission = "admissionregistration.k8s.io/v1";

/** Labels of istiod's Deployment, of today's charts and of those before Istio 1.5. */
const istiodSelectors = ["app in (istiod,istio-pilot,pilot)", "istio=pilot"];

/**
 * What shows that an Istio serves the cluster, in words: Deployments of istiod in any namespace, and webhook configurations that
 * call an istiod anywhere (in-cluster, managed by a cloud, or of another external control plane), but those Pilothouse made for
 * this cluster. CustomResourceDefinitions alone serve nothing, and neither does a certificate authority in istio-system that an
 * earlier Istio left: istiod goes on with that, so that workloads keep their root.
 */
export async function findRunningIstio(client: KubeClient, clusterId: string): Promise<string[]> {
  const [deployments, webhooks] = await Promise.all([
    Promise.all(
      istiodSelectors.map((labelSelector) =>
        client.list({ apiVersion: "apps/v1", kind: "Deployment" }, { labelSelector }),
      ),
    ),
    Promise.all(
      ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"].map((kind) =>
        client.list({ apiVersion: admission, kind }),
      ),
    ),
  ]);
  const foreign = webhooks.flat().filter((object) => callsIstiod(object) && !isOwn(object, clusterId));
  return [
    ...new Set([
      ...deployments.flat().map(({ metadata }) => `Deployment ${metadata.namespace}/${metadata.name}`),
      ...foreign.map(({ kind, metadata }) => `${kind} ${metadata.name}`),
    ]),
  ];
}

/** Istio's webhooks have names under its own domain, in all lines and distributions. */
function callsIstiod(configuration: KubeObject): boolean {
  const webhooks = fieldAt(configuration, "webhooks");
  return (
    Array.isArray(webhooks) &&
    webhooks.some((webhook) => isRecord(webhook) && stringAt(webhook, "name")?.endsWith(".istio.io"))
  );
}

function isOwn({ metadata: { labels } }: KubeObject, clusterId: string): boolean {
  return labels?.[managedByLabel] === managedByValue && labels[clusterLabel] === clusterId;
}

/** The API groups of Istio that the server serves. */
export async function findIstioGroups(client: KubeClient): Promise<string[]> {
  const groups = fieldAt(await client.request("GET", "/apis"), "groups");
  return (Array.isArray(groups) ? groups : [])
    .map((group) => stringAt(group, "name") ?? "")
    .filter((name) => name.endsWith(".istio.io"));
}
