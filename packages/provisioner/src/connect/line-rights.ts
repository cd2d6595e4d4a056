import type { HelmSettings } from "../istio/helm-template.ts";
import { renderCrds } from "../istio/render-crds.ts";
import { renderIstiodRights } from "../istio/render-rights.ts";
import type { PolicyRule } from "../istio/rights-types.ts";
import type { IstioVersion } from "../types.ts";

/** What connecting has to know of the versions that may be provisioned later. */
export interface LineRights {
  lines: {
    line: string;
    clusterRules: PolicyRule[];
    /** Checks of other identities' tokens: bound apart from the rest while istiod's own token is renewed. */
    reviewRules: PolicyRule[];
    systemRules: PolicyRule[];
  }[];
  /** Names of the CustomResourceDefinitions of all versions. */
  customResourceDefinitions: string[];
}

/**
 * Renders what istiod of each line may do, out of the versions' own charts. Versions of one line share its roles, so that they hold
 * the rules of each of them.
 */
export async function renderLineRights(versions: IstioVersion[], settings: HelmSettings): Promise<LineRights> {
  const [rights, definitions] = await Promise.all([
    Promise.all(versions.map((version) => renderIstiodRights(version, settings))),
    Promise.all(versions.map((version) => renderCrds(version, settings))),
  ]);
  const lines = [...Map.groupBy(rights, ({ line }) => line)].map(([line, ofLine]) => {
    const clusterRules = unique(ofLine.flatMap((one) => one.clusterRules));
    return {
      line,
      clusterRules: unique(
        clusterRules.flatMap((rule) => withResources(rule, (resource) => !isReview(rule, resource))),
      ),
      reviewRules: unique(clusterRules.flatMap((rule) => withResources(rule, (resource) => isReview(rule, resource)))),
      systemRules: unique(ofLine.flatMap((one) => one.systemRules)),
    };
  });
  const names = definitions.flat().map((definition) => definition.metadata.name);
  return { lines, customResourceDefinitions: [...new Set(names)].toSorted() };
}

function isReview(rule: PolicyRule, resource: string): boolean {
  return resource === "tokenreviews" && rule.apiGroups?.includes("authentication.k8s.io") === true;
}

/** The rule for some of its resources; none when none is left. A rule without resources is left as it is by the first filter. */
function withResources(rule: PolicyRule, isWanted: (resource: string) => boolean): PolicyRule[] {
  if (rule.resources === undefined) return isWanted("") ? [rule] : [];
  const resources = rule.resources.filter(isWanted);
  return resources.length === 0 ? [] : [{ ...rule, resources }];
}

function unique(rules: PolicyRule[]): PolicyRule[] {
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
}
