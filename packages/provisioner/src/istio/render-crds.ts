import { ProvisionerError } from "../errors.ts";
import type { KubeObject } from "../kube/types.ts";
import type { IstioVersion } from "../types.ts";
import { renderChart, type HelmSettings } from "./helm-template.ts";
import { istioSystem } from "./names.ts";
import { createRenderCache } from "./render-cache.ts";

/**
 * The CustomResourceDefinitions of a version, from its base chart, sorted by name. Older charts keep them in the chart's `crds`
 * folder, newer ones among the templates; both come out of the same call, and nothing else of the chart does.
 *
 * Helm's own labels are left out: these objects belong to no release.
 *
 * @throws ProvisionerError as `renderChart` does, and `NoCrds` when the chart has none.
 */
export function renderCrds(version: IstioVersion, settings: HelmSettings): Promise<KubeObject[]> {
  return renders({ charts: version.charts, home: settings.helmHome }, () => renderAnew(version, settings));
}

/** Definitions are a megabyte, and the same for all revisions of a version. */
const renders = createRenderCache<KubeObject[]>(4);

async function renderAnew(version: IstioVersion, settings: HelmSettings): Promise<KubeObject[]> {
  const objects = await renderChart(
    {
      chart: version.charts.base,
      ...(version.charts.chartVersion === undefined ? {} : { chartVersion: version.charts.chartVersion }),
    },
    { release: "istio-base", namespace: istioSystem, values: {}, includeCrds: true },
    settings,
  );
  const definitions = objects.filter((object) => object.kind === "CustomResourceDefinition");
  if (definitions.length === 0) {
    throw new ProvisionerError(
      "user",
      "NoCrds",
      `The chart ${version.charts.base} has no CustomResourceDefinitions. Give the base chart of Istio ${version.version}.`,
      { parameter: "version.charts.base" },
    );
  }
  return definitions.map(withoutReleaseLabels).toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name, "en"));
}

function withoutReleaseLabels(definition: KubeObject): KubeObject {
  const { labels: _labels, ...metadata } = definition.metadata;
  return { ...definition, metadata: { ...metadata, labels: { "app.kubernetes.io/part-of": "istio" } } };
}
