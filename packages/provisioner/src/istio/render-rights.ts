import { z } from "zod";
import { ProvisionerError } from "../errors.ts";
import type { KubeObject } from "../kube/types.ts";
import type { IstioVersion } from "../types.ts";
import { renderChart, type HelmSettings } from "./helm-template.ts";
import { istioSystem } from "./names.ts";
import { createRenderCache } from "./render-cache.ts";
import { reduceClusterRules, reduceSystemRules } from "./reduce-rights.ts";
import type { IstiodRights, PolicyRule } from "./rights-types.ts";

const policyRules = z.array(
  z.strictObject({
    apiGroups: z.array(z.string()).optional(),
    resources: z.array(z.string()).optional(),
    resourceNames: z.array(z.string()).optional(),
    nonResourceURLs: z.array(z.string()).optional(),
    verbs: z.array(z.string()),
  }),
);

/**
 * What istiod of a version needs in the mesh cluster: the rules of the version's own chart, less what an istiod outside the cluster, run the
 * way `renderIstiod` runs it, does not use. Read in the source of 1.22 and 1.32; lines between get the wider of both.
 *
 * Left out, with the reason:
 * - The ClusterRole `istiod-gateway-controller` (write access to all Deployments, Services, ServiceAccounts): the controller that
 *   deploys Gateway API gateways is switched off. Gateways that the tenant deploys work as ever.
 * - The ClusterRole `istio-reader`: it is for istiods of other clusters that read this one by a remote secret.
 * - Reading all ConfigMaps, in the older line: it reads only `istio-ca-root-cert`. The newer one takes gateways' certificates from any
 *   ConfigMap, and does not become ready when it can't list them.
 * - Changing ConfigMaps: only those istiod distributes to all namespaces, and the election locks in `istio-system`. Creating can't be
 *   limited to names by RBAC.
 * - Changing Secrets in `istio-system`: only the certificate authority's. It never deletes one.
 * - Changing GatewayClasses: istiod creates its own where the Gateway API is installed, and never touches them again.
 * - All objects of the Gateway API, in the older line: only their status is written.
 * - Status of Services and AuthorizationPolicies (ambient mode only), Endpoints (it reads EndpointSlices), inference pools and
 *   multi-cluster services (switched off), groups without CRDs, verbs without a call (`patch` of webhooks and Leases),
 *   and Leases in the older line, which elects by ConfigMaps.
 *
 * Kept, though they are wide:
 * - Reading all Secrets: istiod serves gateways' certificates from them and does not become ready without (`kclient` waits for the list).
 *   RBAC can't tell TLS Secrets from others.
 * - Changing webhook configurations: istiod puts its certificate authority into those labelled with its revision. Their names
 *   carry the revision, and these rights hold for all revisions of a line, so that no list of names would fit. An admission policy could
 *   narrow this where the mesh cluster has one.
 * - Leases without names, for the same reason, but in `istio-system` only.
 *
 * @throws ProvisionerError as `renderChart` does, and `NoRights` when the chart has no roles for istiod.
 */
export function renderIstiodRights(version: IstioVersion, settings: HelmSettings): Promise<IstiodRights> {
  return renders({ version, home: settings.helmHome }, () => renderAnew(version, settings));
}

const renders = createRenderCache<IstiodRights>(8);

async function renderAnew(version: IstioVersion, settings: HelmSettings): Promise<IstiodRights> {
  const objects = await renderChart(
    {
      chart: version.charts.istiod,
      ...(version.charts.chartVersion === undefined ? {} : { chartVersion: version.charts.chartVersion }),
    },
    {
      release: "istiod",
      namespace: istioSystem,
      values: {
        global: { istioNamespace: istioSystem },
        pilot: { env: { PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER: "false" } },
      },
    },
    settings,
  );
  return {
    line: version.line,
    clusterRules: reduceClusterRules(version.line, readRules(version, objects, "ClusterRole", "istiod-clusterrole")),
    systemRules: reduceSystemRules(version.line, readRules(version, objects, "Role", "istiod")),
  };
}

function readRules(version: IstioVersion, objects: KubeObject[], kind: string, prefix: string): PolicyRule[] {
  const role = objects.find((object) => object.kind === kind && object.metadata.name.startsWith(prefix));
  const rules = policyRules.safeParse(role?.["rules"]);
  if (rules.success && rules.data.length > 0) return rules.data.map(dropUndefined);
  throw new ProvisionerError(
    "user",
    "NoRights",
    `The chart ${version.charts.istiod} has no ${kind} for istiod. Give the istiod chart of Istio ${version.version}.`,
    { parameter: "version.charts.istiod" },
  );
}

/** zod types an absent field as possibly undefined; PolicyRule has it absent. */
function dropUndefined(rule: z.infer<typeof policyRules>[number]): PolicyRule {
  const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule;
  return {
    verbs,
    ...(apiGroups === undefined ? {} : { apiGroups }),
    ...(resources === undefined ? {} : { resources }),
    ...(resourceNames === undefined ? {} : { resourceNames }),
    ...(nonResourceURLs === undefined ? {} : { nonResourceURLs }),
  };
}
