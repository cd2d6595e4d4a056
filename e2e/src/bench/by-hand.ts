import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import type { IstiodCluster, IstioVersion } from "@pilothouse/provisioner";
import type { Ground } from "../ground.ts";
import type { TimedRun } from "./statistics.ts";

/** Where the script finds what is the machine's own. */
const machineFolders = ["/usr/local/bin", "/usr/bin", "/bin"];

/**
 * Looks for the programs that by-hand.sh takes from the machine, before anything is brought up for it.
 * @throws Error with the command that installs what is missing
 */
export function assertMachinePrograms(folders: readonly string[] = machineFolders): void {
  const missing = ["bash", "curl"].filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  if (missing.length === 0) return;
  throw new Error(
    `the script that Pilothouse is compared with needs ${missing.join(" and ")}, and ${folders.join(", ")} have none. Get it: apt-get install ${missing.join(" ")}`,
  );
}

const script = join(import.meta.dirname, "by-hand.sh");
const programLimitMs = 180_000;

/** The script of a version in a pair of clusters. */
export interface ByHand {
  install(revisionId: string): Promise<TimedRun>;
  /** Removes what `install` made and what istiod left, but not definitions, certificate authority and istio-system. */
  remove(revisionId: string): Promise<void>;
  /** Versions of the programs it uses. */
  readVersions(): Promise<{ helm: string; kubectl: string }>;
  close(): Promise<void>;
}

/** Istio keeps all its definitions in one file, in a folder that depends on the line. */
function findDefinitions(version: IstioVersion): string {
  const places = ["crds", "files"].map((folder) => join(version.charts.base, folder, "crd-all.gen.yaml"));
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new Error(`${version.charts.base} has no file with Istio's definitions`);
  return found;
}

function parseSteps(output: string): Map<string, number> {
  const steps = [...output.matchAll(/^step (\d+) (.+)$/gm)].map(([, atUs, name]) => ({
    atMs: Number(atUs) / 1000,
    name: name ?? "",
  }));
  const [start, ...rest] = steps;
  if (start?.name !== "started" || rest.length === 0) throw new Error(`by-hand.sh printed no steps:\n${output}`);
  return new Map(rest.map(({ atMs, name }) => [name, atMs - start.atMs]));
}

/** Runs a program apart from this one's process group, so that Ctrl-C ends it no more than it ends Pilothouse's side. */
function runProgram(program: string, parameters: string[], environment: Record<string, string>): Promise<string> {
  return new Promise((settle, fail) => {
    const child = spawn(program, parameters, { env: environment, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const output: Buffer[] = [];
    const errors: Buffer[] = [];
    const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGKILL"), programLimitMs);
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    child.on("error", fail);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return settle(Buffer.concat(output).toString("utf8"));
      const how = signal === null ? `with ${code}` : `by ${signal}`;
      fail(
        new Error(
          `${basename(program)} ${parameters.join(" ")} ended ${how}:\n${Buffer.concat([...output, ...errors]).toString("utf8")}`,
        ),
      );
    });
  });
}

function findProgram(ground: Ground, name: string): string {
  const path = ground.parts.paths[name];
  if (path === undefined) throw new Error(`the fleet's parts have no ${name}`);
  return path;
}

/**
 * Prepares the script for a version. kubectl and helm get a home of their own, which stays for all runs, as a person's would:
 * what they learn about the clusters in one run serves the next.
 *
 * @param mesh name of the mesh cluster and path of its administrator's kubeconfig
 */
export async function prepareByHand(
  ground: Ground,
  version: IstioVersion,
  mesh: { name: string; kubeconfig: string },
  istiodCluster: IstiodCluster,
): Promise<ByHand> {
  const { status } = ground;
  const { records } = status.dns;
  const [edgeAddress] = istiodCluster.edgeAddresses;
  const istiodKubeconfig = status.clusters.find((cluster) => cluster.name === istiodCluster.name)?.kubeconfig;
  if (edgeAddress === undefined || istiodKubeconfig === undefined)
    throw new Error(`istiod cluster ${istiodCluster.name} has no edge`);
  const [helm, kubectl] = [findProgram(ground, "helm"), findProgram(ground, "kubectl")];
  const home = await mkdtemp(join(tmpdir(), "pilothouse-bench-"));
  const base = {
    PATH: [dirname(kubectl), dirname(helm), ...machineFolders].join(delimiter),
    HOME: home,
    DOMAIN: status.dns.domain,
    EDGE_ADDRESS: edgeAddress,
    MESH_NAME: mesh.name,
    MESH_KUBECONFIG: mesh.kubeconfig,
    ISTIOD_KUBECONFIG: istiodKubeconfig,
    CRDS: findDefinitions(version),
    CHART: version.charts.istiod,
    HUB: version.image.hub,
    TAG: version.image.tag,
    RECORDS_URL: records.endpoint,
    RECORDS_PREFIX: records.prefix,
    RECORDS_CA: records.authorityFile,
    RECORDS_CERT: records.certificateFile,
    RECORDS_KEY: records.keyFile,
  };
  const run = (program: string, parameters: string[], revisionId = ""): Promise<string> =>
    runProgram(program, parameters, { ...base, REVISION: revisionId });
  return {
    async install(revisionId) {
      const startedMs = performance.now();
      const output = await run(script, ["install"], revisionId);
      const totalMs = performance.now() - startedMs;
      return { totalMs, steps: parseSteps(output) };
    },
    async remove(revisionId) {
      await run(script, ["remove"], revisionId);
    },
    async readVersions() {
      const ofHelm = await run(helm, ["version", "--template", "{{.Version}}"]);
      const ofKubectl = await run(kubectl, ["version", "--client"]);
      return { helm: ofHelm.trim(), kubectl: /Client Version: (\S+)/.exec(ofKubectl)?.[1] ?? "unknown" };
    },
    close: () => rm(home, { recursive: true, force: true }),
  };
}
