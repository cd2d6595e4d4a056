import { createHash } from "node:crypto";
import { z } from "zod";
import { ProvisionerError } from "../errors.ts";
import type { KubeObject } from "../kube/types.ts";
import type { ProviderConfig, Revision } from "../types.ts";
import { buildEnvironment, type IstiodOptions } from "./chart-values.ts";
import type { HelmSettings } from "./helm-template.ts";
import {
  buildIstiodDeployment,
  buildPodTemplate,
  injectorConfigMapName,
  meshConfigMapName,
  selectPods,
} from "./istiod-deployment.ts";
import { buildObjectMeta, istiodName, type MeshFacts } from "./names.ts";
import { renderIstiodChart } from "./render-istiod-chart.ts";
import { buildIstiodKubeconfig } from "./render-kubeconfig-secret.ts";
import { buildWebhooks, type MeshWebhooks } from "./render-webhooks.ts";

export interface IstiodRequest {
  revision: Revision;
  provider: ProviderConfig;
  mesh: MeshFacts;
  options?: IstiodOptions;
  /** Namespaces of the mesh cluster in which no pod is ever injected. Default: `pilothouse-system`. */
  excludedNamespaces?: string[];
}

export interface RenderedIstiod {
  /**
   * What the revision is in its istiod cluster, in the order to apply: ServiceAccount, ConfigMaps, Service, disruption budget where
   * there is more than one replica, Deployment. Namespace, isolation and the kubeconfig's Secret come before these.
   */
  istiodCluster: KubeObject[];
  /** What calls the revision from its mesh cluster. Comes last, when istiod is proven up to it. */
  meshCluster: MeshWebhooks;
  /** The value of the pods' annotation `pilothouse.io/config-hash`: a rollout is done when all pods carry it. */
  configHash: string;
}

/**
 * Renders everything of a revision from the version's own chart `istio-discovery`.
 *
 * Injector template, its values, mesh config and mesh networks are files in istiod's pod, from ConfigMaps of the revision's namespace: istiod of
 * both lines looks there first, and would else read them from the mesh cluster, where a template of another line ends it. It watches
 * these files (ConfigMap volumes change within about a minute and a half). The hash covers what it reads only at its start: the pod itself,
 * mesh config and networks (parts of them, such as the trust domain), and the kubeconfig. It leaves out the injector's files, which
 * take effect without a restart, and the token.
 *
 * Nothing of the whole cluster is rendered for the istiod cluster: no roles, no webhooks, no autoscaler.
 *
 * @throws ProvisionerError as `renderChart` does; `ChartUnknown` when the chart lacks what is expected; `InvalidName` for bad ids.
 */
export async function renderIstiod(request: IstiodRequest, settings: HelmSettings): Promise<RenderedIstiod> {
  const { revision, provider, mesh } = request;
  const environment = buildEnvironment(revision, provider, mesh, request.options ?? {});
  const objects = await renderIstiodChart({ revision, provider, mesh }, settings);

  const meshConfig = readData(objects, revision, `istio-${revision.id}`, ["mesh", "meshNetworks"]);
  const injector = readData(objects, revision, `istio-sidecar-injector-${revision.id}`, ["config", "values"]);
  const template = buildPodTemplate(
    findObject(objects, revision, "Deployment", `istiod-${revision.id}`),
    revision,
    mesh,
    environment,
  );
  const configHash = hashStable({ template, meshConfig, kubeconfig: buildIstiodKubeconfig(mesh) });
  return {
    istiodCluster: [
      buildServiceAccount(revision, mesh),
      buildConfigMap(revision, mesh, meshConfigMapName, meshConfig),
      buildConfigMap(revision, mesh, injectorConfigMapName, injector),
      buildService(revision, mesh),
      ...(revision.replicas > 1 ? [buildDisruptionBudget(revision, mesh)] : []),
      buildIstiodDeployment(revision, mesh, template, configHash),
    ],
    meshCluster: buildWebhooks(objects, revision, provider, mesh, request.excludedNamespaces ?? ["pilothouse-system"]),
    configHash,
  };
}

/** The account exists because a pod needs one; it has no rights and its token is never mounted. */
function buildServiceAccount(revision: Revision, mesh: MeshFacts): KubeObject {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: buildObjectMeta(revision, mesh, istiodName),
    automountServiceAccountToken: false,
  };
}

function buildConfigMap(revision: Revision, mesh: MeshFacts, name: string, data: Record<string, string>): KubeObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: buildObjectMeta(revision, mesh, name), data };
}

/** The edge routes a revision's public name to `istiod.<revision>.svc.cluster.local`, on the ports the world uses. */
function buildService(revision: Revision, mesh: MeshFacts): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: buildObjectMeta(revision, mesh, istiodName),
    spec: {
      type: "ClusterIP",
      selector: selectPods(revision),
      ports: [
        { name: "https-webhooks", port: 443, targetPort: 15017, protocol: "TCP" },
        { name: "tls-xds", port: 15012, targetPort: 15012, protocol: "TCP" },
        { name: "http-monitoring", port: 15014, targetPort: 15014, protocol: "TCP" },
      ],
    },
  };
}

/** One replica may be away at a time. One that is broken anyway never stands in the way of draining a node. */
function buildDisruptionBudget(revision: Revision, mesh: MeshFacts): KubeObject {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: buildObjectMeta(revision, mesh, istiodName),
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: { matchLabels: selectPods(revision) },
    },
  };
}

function readData(objects: KubeObject[], revision: Revision, name: string, keys: string[]): Record<string, string> {
  const data = z.record(z.string(), z.string()).safeParse(findObject(objects, revision, "ConfigMap", name)["data"]);
  return Object.fromEntries(
    keys.map((key) => {
      const value = data.success ? data.data[key] : undefined;
      if (value === undefined) throw chartUnknown(revision, `its ConfigMap "${name}" has no key "${key}"`);
      return [key, value];
    }),
  );
}

function findObject(objects: KubeObject[], revision: Revision, kind: string, name: string): KubeObject {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined) throw chartUnknown(revision, `it renders no ${kind} "${name}"`);
  return found;
}

function chartUnknown(revision: Revision, reason: string): ProvisionerError {
  return new ProvisionerError(
    "unknown",
    "ChartUnknown",
    `The chart ${revision.version.charts.istiod} can't be used: ${reason}. Check that it is the istiod chart of Istio ${revision.version.version}.`,
    { parameter: "version.charts.istiod" },
  );
}

/** 16 hex digits, the same for the same content in whatever order its keys are written. */
function hashStable(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(sortKeys(value)))
    .digest("hex")
    .slice(0, 16);
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
}
