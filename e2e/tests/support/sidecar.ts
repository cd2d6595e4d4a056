import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { KubeClient } from "@pilothouse/provisioner";
import { z } from "zod";
import { fetchInside } from "./send-request.ts";
import { readTestGround } from "./test-fleet.ts";
import { waitFor } from "./wait-for.ts";
import type { WorkloadPlace } from "./workload-place.ts";

/** Ports that Istio's sidecars have; the first two listen on every address of the workload. */
const ports = { readiness: 15021, agent: 15020, admin: 15000 } as const;

/** Programs of a sidecar write one log. */
const program = "pilot-agent";

export interface SidecarRequest {
  place: WorkloadPlace;
  /** Version line of its pilot-agent. */
  line: string;
  revision: { id: string; hostname: string };
  mesh: { id: string; client: KubeClient };
  namespace: string;
  /** Name of its ServiceAccount, which exists, and value of its label `app`. */
  name: string;
}

/** A sidecar that runs: Istio's pilot-agent with an Envoy as its child. */
export interface Sidecar {
  place: WorkloadPlace;
  /** Status of `/healthz/ready` on 15021, as a kubelet would ask; 0 while nothing answers. */
  readReadiness(): Promise<number>;
  /** Returns once it is ready; throws with the end of its log when it is not within `timeoutMs`. */
  waitUntilReady(timeoutMs: number): Promise<void>;
  /** Envoy's counters and gauges by name. */
  readStats(): Promise<Map<string, number>>;
  /** The agent's own counters by name, summed over their labels; one that never counted is absent. */
  readAgentStats(): Promise<Map<string, number>>;
  /** Names of the clusters that Envoy has. */
  listClusters(): Promise<string[]>;
  /** All that Envoy got from istiod (clusters, endpoints, listeners, routes), as JSON, without what it was started with. */
  readDiscovered(): Promise<string>;
}

const ConfigSchema = z.object({ configs: z.array(z.looseObject({ "@type": z.string() })) });
const RootSchema = z.object({ data: z.object({ "root-cert.pem": z.string() }) });
const ClustersSchema = z.object({ cluster_statuses: z.array(z.object({ name: z.string() })) });

/** Puts a file where pilot-agent looks for it, below its working directory. */
async function writeOwn(folder: string, path: string, content: string): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content, { mode: 0o600 });
}

/** What the injector would have put into the pod's environment, for traffic that no iptables rule redirects. */
function buildEnvironment(request: SidecarRequest, envoy: string, bootstrap: string): Record<string, string> {
  const { place, name, namespace, revision, mesh } = request;
  const address = `${revision.hostname}:15012`;
  return {
    CA_ADDR: address,
    INSTANCE_IP: place.address,
    ISTIO_BOOTSTRAP: bootstrap,
    ISTIO_METAJSON_LABELS: JSON.stringify({ app: name, "istio.io/rev": revision.id }),
    ISTIO_META_CLUSTER_ID: mesh.id,
    ISTIO_META_INTERCEPTION_MODE: "NONE",
    ISTIO_META_WORKLOAD_NAME: name,
    PILOT_CERT_PROVIDER: "istiod",
    POD_NAME: name,
    POD_NAMESPACE: namespace,
    PROXY_CONFIG: JSON.stringify({
      binaryPath: envoy,
      concurrency: 1,
      discoveryAddress: address,
      // Istio's bootstrap keeps few of Envoy's numbers unless told otherwise.
      proxyStatsMatcher: { inclusionRegexps: [".*"] },
    }),
    SERVICE_ACCOUNT: name,
    TRUST_DOMAIN: "cluster.local",
  };
}

/**
 * Lines of `name: value`; histograms, which have no single value, are left out. The newer line's Envoys end the name of a cluster with a
 * semicolon there, which is taken away.
 */
function parseStats(text: string): Map<string, number> {
  const lines = text.matchAll(/^(.+): (\d+)$/gm);
  return new Map([...lines].map(([, name = "", value]): [string, number] => [name.replace(";.", "."), Number(value)]));
}

/** Envoy's counters and gauges, asked of its administration interface inside the network namespace of a process. */
export async function readEnvoyStats(pid: number, adminPort: number): Promise<Map<string, number>> {
  return parseStats(await fetchInside(pid, `http://127.0.0.1:${adminPort}/stats`));
}

/**
 * The configuration of an Envoy, as JSON, without the part it was started with (which can't change, and is written in another order
 * each time); asked of its administration interface inside the network namespace of a process.
 */
export async function readEnvoyConfig(pid: number, adminPort: number, of: "all" | "allButEndpoints"): Promise<string> {
  const query = of === "all" ? "?include_eds" : "";
  const text = await fetchInside(pid, `http://127.0.0.1:${adminPort}/config_dump${query}`);
  const { configs } = ConfigSchema.parse(JSON.parse(text));
  return JSON.stringify(configs.filter((config) => !config["@type"].endsWith(".BootstrapConfigDump")));
}

async function readReadiness(place: WorkloadPlace): Promise<number> {
  const url = `http://${place.address}:${ports.readiness}/healthz/ready`;
  return fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
    ({ status }) => status,
    () => 0,
  );
}

/** Starts a sidecar in a place; it gets its certificate and its configuration through the revision's public name. */
export async function startSidecar(request: SidecarRequest): Promise<Sidecar> {
  const { place, line, mesh, namespace, name } = request;
  const { parts } = await readTestGround();
  const supplies = parts.istio.find((candidate) => candidate.line === line);
  const envoy = parts.paths["envoy"];
  if (supplies === undefined || envoy === undefined)
    throw new Error(`the fleet's parts have no sidecar of line ${line}`);
  const [{ token }, root] = await Promise.all([
    mesh.client.requestToken({ namespace, name }, { audiences: ["istio-ca"], expirationSeconds: 3600 }),
    mesh.client.get({ apiVersion: "v1", kind: "ConfigMap", namespace, name: "istio-ca-root-cert" }),
  ]);
  await Promise.all([
    writeOwn(place.folder, "var/run/secrets/tokens/istio-token", token),
    writeOwn(place.folder, "var/run/secrets/istio/root-cert.pem", RootSchema.parse(root).data["root-cert.pem"]),
  ]);
  const words = ["proxy", "sidecar", "--domain", `${namespace}.svc.cluster.local`, "--proxyLogLevel=warning"];
  place.start(program, [supplies.pilotAgent, ...words], buildEnvironment(request, envoy, supplies.envoyBootstrap));
  return {
    place,
    readReadiness: () => readReadiness(place),
    async waitUntilReady(timeoutMs) {
      const isReady = async (): Promise<boolean> => (await readReadiness(place)) === 200;
      await waitFor(`sidecar ${name}`, isReady, timeoutMs).catch(async (error: unknown) => {
        const log = await place.readLog(program);
        throw new Error(`${String(error)}; its log ends with\n${log.slice(-4_000)}`, { cause: error });
      });
    },
    readStats: () => readEnvoyStats(place.pid, ports.admin),
    async readAgentStats() {
      const answer = await fetch(`http://${place.address}:${ports.agent}/stats/prometheus`, {
        signal: AbortSignal.timeout(5_000),
      });
      const found = new Map<string, number>();
      const lines = (await answer.text()).matchAll(/^istio_agent_(\w+)(?:\{.*\})? (\d+)$/gm);
      for (const [, counter = "", value] of lines) found.set(counter, (found.get(counter) ?? 0) + Number(value));
      return found;
    },
    async listClusters() {
      const text = await fetchInside(place.pid, `http://127.0.0.1:${ports.admin}/clusters?format=json`);
      return ClustersSchema.parse(JSON.parse(text)).cluster_statuses.map((cluster) => cluster.name);
    },
    readDiscovered: () => readEnvoyConfig(place.pid, ports.admin, "all"),
  };
}
