import { FleetError } from "./errors.ts";
import { coreDnsImage } from "./cluster/addons.ts";
import { pauseImage } from "./cluster/node.ts";
import { ensureParts, type Parts } from "./parts/ensure-parts.ts";
import { ensureImage } from "./parts/images.ts";
import { type IstioLine, istioLines } from "./parts/outputs.ts";
import type { PartListener } from "./parts/part-events.ts";
import type { FleetSupplies } from "./up.ts";

/** Where istiod's image is found in the fleet's istiod clusters: hub and tag of Istio's charts. */
const istiodImage = (line: string): { hub: string; tag: string } => ({
  hub: "docker.io/istio",
  tag: istioVersion(line),
});

/** The version that the istiod of a line reports. */
const istioVersion = (line: string): string => `${line}-dev`;

/** Folders and programs of a version line, for those who install and test control planes. */
export interface IstioLineSupplies {
  line: string;
  version: string;
  charts: { base: string; istiod: string };
  image: { hub: string; tag: string };
  pilotAgent: string;
  envoyBootstrap: string;
}

/** Gets every part of the manifest that is not in the cache yet. */
export async function getParts(
  cache: string,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
  onProgress?: PartListener,
): Promise<Parts> {
  return ensureParts({ cache, environment, signal, ...(onProgress === undefined ? {} : { onProgress }) }).all;
}

/** What the parts offer for one version line. */
export function describeIstioLine(parts: Parts, line: IstioLine): IstioLineSupplies {
  const charts = parts.paths[`charts-${line}`];
  return {
    line,
    version: istioVersion(line),
    charts: { base: `${charts}/base`, istiod: `${charts}/istio-control/istio-discovery` },
    image: istiodImage(line),
    pilotAgent: parts.paths[`pilot-agent-${line}`],
    envoyBootstrap: parts.paths[`envoy-bootstrap-${line}`],
  };
}

/** Makes the images of the fleet from the parts, and hands out all that bringing it up needs. */
export async function gatherSupplies(
  cache: string,
  parts: Parts,
  signal: AbortSignal,
  report: (line: string) => void,
): Promise<FleetSupplies> {
  const { paths } = parts;
  const common = { cache, signal, workingDir: "/" };
  const [pause, coreDns] = await Promise.all([
    ensureImage({
      ...common,
      name: pauseImage,
      files: { "/pause": paths.pause },
      entrypoint: ["/pause"],
      user: "65535:65535",
    }),
    ensureImage({
      ...common,
      name: coreDnsImage,
      files: { "/coredns": paths.coredns },
      entrypoint: ["/coredns"],
      user: "65532:65532",
    }),
  ]);
  const istiods = new Map<string, string>();
  for (const line of istioLines) {
    const { hub, tag } = istiodImage(line);
    const program = "/usr/local/bin/pilot-discovery";
    const image = {
      name: `${hub}/pilot:${tag}`,
      files: { [program]: paths[`pilot-discovery-${line}`] },
      entrypoint: [program],
      user: "1337:1337",
    };
    istiods.set(line, await ensureImage({ ...common, ...image }));
  }
  const images = (line: string): string[] => {
    const istiod = istiods.get(line);
    if (istiod === undefined) {
      throw new FleetError(
        `The topology asks for line ${line}, which the manifest has no istiod for. It has ${istioLines.join(" and ")}.`,
      );
    }
    return [pause, coreDns, istiod];
  };
  return { paths, environment: parts.environment, images, signal, report };
}
