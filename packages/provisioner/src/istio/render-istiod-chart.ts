import type { KubeObject } from "../kube/types.ts";
import type { ProviderConfig, Revision } from "../types.ts";
import { buildChartValues } from "./chart-values.ts";
import { renderChart, type HelmSettings } from "./helm-template.ts";
import { istioSystem, istiodName, type MeshFacts } from "./names.ts";
import { createRenderCache } from "./render-cache.ts";

interface ChartRequest {
  revision: Revision;
  provider: Pick<ProviderConfig, "domain">;
  mesh: Pick<MeshFacts, "id">;
}

/** Stand for what differs between revisions of a version; nothing of a chart is called so. */
const standIns = {
  revision: "pilothouse-stand-in-revision",
  mesh: "pilothouse-stand-in-mesh",
  domain: "pilothouse-stand-in-domain.invalid",
};

/** Words that YAML 1.1 does not take for strings, so that a chart may quote them where it quotes no other name. */
const yamlWords = new Set(["y", "n", "yes", "no", "on", "off", "true", "false", "null"]);
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether a chart treats a name like any other. */
const isPlain = (name: string): boolean =>
  (/^[a-z][a-z0-9-]*$/.test(name) && !yamlWords.has(name) && name !== "default") || uuid.test(name);

/** Splits a text at them and keeps them: every second piece is one. */
const standInPattern = new RegExp(`(${Object.values(standIns).join("|").replaceAll(".", "\\.")})`);

/** JSON in pieces, of which some are stand-ins: a thousand revisions are written from it one after the other. */
const rendered = createRenderCache<string[]>(16);

/**
 * Renders the chart `istio-discovery` for a revision. Helm runs once for all revisions of a version that have equally many replicas, with stand-ins for
 * their names: a run takes a tenth of a second of CPU, and a worker that has just started looks at a thousand revisions.
 *
 * @throws ProvisionerError as `renderChart` does
 */
export async function renderIstiodChart(request: ChartRequest, settings: HelmSettings): Promise<KubeObject[]> {
  const { revision, provider, mesh } = request;
  if (!isPlain(revision.id) || !isPlain(mesh.id) || !/^[a-z][a-z0-9.-]*$/.test(provider.domain))
    return renderAnew(request, settings);
  const common: ChartRequest = {
    revision: { ...revision, id: standIns.revision },
    provider: { domain: standIns.domain },
    mesh: { id: standIns.mesh },
  };
  const { version, replicas } = revision;
  const pieces = await rendered({ version, replicas, home: settings.helmHome }, async () =>
    // One revision's end must not end the rendering for others; its own time limit bounds it.
    JSON.stringify(await renderAnew(common, withoutSignal(settings))).split(standInPattern),
  );
  const own = new Map([
    [standIns.revision, revision.id],
    [standIns.mesh, mesh.id],
    [standIns.domain, provider.domain],
  ]);
  const objects: unknown = JSON.parse(
    pieces.map((piece, index) => (index % 2 === 1 ? (own.get(piece) ?? piece) : piece)).join(""),
  );
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written from such objects, with other names
  return objects as KubeObject[];
}

function withoutSignal({ signal: _signal, ...settings }: HelmSettings): HelmSettings {
  return settings;
}

function renderAnew({ revision, provider, mesh }: ChartRequest, settings: HelmSettings): Promise<KubeObject[]> {
  const { charts } = revision.version;
  return renderChart(
    { chart: charts.istiod, ...(charts.chartVersion === undefined ? {} : { chartVersion: charts.chartVersion }) },
    { release: istiodName, namespace: istioSystem, values: buildChartValues(revision, provider, mesh) },
    settings,
  );
}
