import type { ProviderConfig, Revision } from "../types.ts";
import { buildHostname, istioSystem, type MeshFacts } from "./names.ts";

/** Ports under which the edge shows a revision to the world. */
export const publicWebhookPort = 443;
const publicXdsPort = 15012;

export interface IstiodOptions {
  /**
   * true when proxies are plain Envoys without Istio's own filters: they refuse clusters that carry `istio.metadata_exchange`.
   * Istio's own proxy wants it, so this is for test environments.
   */
  plainEnvoy?: boolean;
}

/**
 * Environment of istiod, beyond what the chart sets. Each as both lines' source reads it:
 * - `EXTERNAL_ISTIOD` only decides about clusters added by remote secrets: there it may lead when their `istio-system` names this cluster
 *   in `topology.istio.io/controlPlaneClusters`. The mesh cluster itself is the config cluster, where istiod always leads.
 * - `LOCAL_CLUSTER_SECRET_WATCHER` together with it would read remote secrets from the istiod cluster, with in-cluster credentials: never.
 * - `CLUSTER_ID` names the mesh cluster in endpoints and in proxies' tokens; proxies get it from the injector's values.
 * - `ISTIOD_CUSTOM_HOST` puts the public name into istiod's certificate. (The host of `discoveryAddress` gets there too.)
 * - The webhook names only matter as "not empty": istiod patches every configuration that carries its revision in `istio.io/rev`.
 * - `REQUIRE_3P_TOKEN` refuses tokens without an audience (older line; the newer has no other way).
 * - `PILOT_JWT_ENABLE_REMOTE_JWKS=envoy`: keys for checking end users' tokens are fetched by the tenant's proxies. istiod would
 *   fetch any URL a tenant writes into a RequestAuthentication, from within the provider's network.
 * - `PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER=false`: see `renderIstiodRights`.
 * - `KUBERNETES_SERVICE_HOST` empty: client-go then can't take the istiod cluster for its own, whatever is mounted.
 *
 * `SHARED_MESH_CONFIG` stays unset, so that a ConfigMap of the tenant can't change the mesh config (it could point istiod to any server as a
 * config source), and `TRUSTED_GATEWAY_CIDR` too: connections come from the edge's address, whose headers prove nothing.
 */
export function buildEnvironment(
  revision: Revision,
  provider: Pick<ProviderConfig, "domain">,
  mesh: Pick<MeshFacts, "id">,
  options: IstiodOptions,
): Record<string, string> {
  const hostname = buildHostname(revision, provider);
  return {
    CLUSTER_ID: mesh.id,
    EXTERNAL_ISTIOD: "true",
    INJECTION_WEBHOOK_CONFIG_NAME: buildInjectorName(revision.id),
    ISTIOD_CUSTOM_HOST: hostname,
    KUBERNETES_SERVICE_HOST: "",
    LOCAL_CLUSTER_SECRET_WATCHER: "false",
    PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER: "false",
    PILOT_JWT_ENABLE_REMOTE_JWKS: "envoy",
    POD_NAMESPACE: istioSystem,
    REQUIRE_3P_TOKEN: "true",
    VALIDATION_WEBHOOK_CONFIG_NAME: buildValidatorName(revision.id),
    ...(options.plainEnvoy === true ? { PILOT_ENABLE_METADATA_EXCHANGE: "false" } : {}),
  };
}

/** Name of the revision's MutatingWebhookConfiguration, as both charts have it. */
export function buildInjectorName(revisionId: string): string {
  return `istio-sidecar-injector-${revisionId}`;
}

/** Name of the revision's ValidatingWebhookConfiguration, as both charts have it. */
export function buildValidatorName(revisionId: string): string {
  return `istio-validator-${revisionId}-${istioSystem}`;
}

/**
 * Values for the chart `istio-discovery`. The keys are those both lines understand: the older has istiod's settings under
 * `pilot`, the newer copies them from there to the top.
 */
export function buildChartValues(
  revision: Revision,
  provider: Pick<ProviderConfig, "domain">,
  mesh: Pick<MeshFacts, "id">,
): Record<string, unknown> {
  const xdsAddress = `${buildHostname(revision, provider)}:${publicXdsPort}`;
  return {
    revision: revision.id,
    global: {
      istioNamespace: istioSystem,
      hub: revision.version.image.hub,
      tag: revision.version.image.tag,
      caAddress: xdsAddress,
      configValidation: true,
      multiCluster: { clusterName: mesh.id },
    },
    meshConfig: { defaultConfig: { discoveryAddress: xdsAddress } },
    pilot: { autoscaleEnabled: false, replicaCount: revision.replicas },
  };
}
