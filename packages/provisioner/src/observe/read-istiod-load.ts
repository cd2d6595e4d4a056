import { ProvisionerError } from "../errors.ts";
import { fieldAt, stringAt } from "../kube/field-at.ts";
import type { KubeClient, KubeObject } from "../kube/types.ts";
import { istiodName } from "../istio/names.ts";
import { probeVersionSuffix } from "../prove/types.ts";
import { type MetricSample, parseMetrics } from "./parse-metrics.ts";

/** Where istiod serves what it counts (`http-monitoring`). */
const monitoringPort = 15_014;

/** What one istiod says of itself. */
export interface IstiodLoad {
  /** UID of its pod: counters begin anew with another. */
  pod: string;
  /** Proxies with a discovery stream, without Pilothouse's own streams. */
  proxies: number;
  /** CPU time that its process has used so far, in seconds; undefined where it does not say. */
  cpuSeconds: number | undefined;
  /** Memory that its process holds, in bytes; undefined where it does not say. */
  memoryBytes: number | undefined;
}

/**
 * Asks the istiods of a revision what they count, through the API server of their istiod cluster. Needs, in the revision's namespace, `list` of
 * `pods` and `get` of `pods/proxy`; where the network enforces NetworkPolicies, API servers that are no nodes have to be let in to 15014.
 *
 * Istio counts open discovery streams in the gauge `pilot_xds`, by the version that the proxy names: Pilothouse's streams name one of their own.
 *
 * @param client for the istiod cluster
 * @returns one for each running istiod
 * @throws ProvisionerError NoIstiod (notReady) when none runs; whatever the API server or istiod refuses
 */
export async function readIstiodLoads(client: KubeClient, revisionId: string): Promise<IstiodLoad[]> {
  const pods = await client.list(
    { apiVersion: "v1", kind: "Pod" },
    { namespace: revisionId, labelSelector: `app.kubernetes.io/name=${istiodName}` },
  );
  const running = pods.filter(isRunning);
  if (running.length === 0) {
    throw new ProvisionerError("notReady", "NoIstiod", `No istiod of revision ${revisionId} runs that could be asked.`);
  }
  return Promise.all(
    running.map(async ({ metadata: { name, uid = "" } }) => {
      const place = `/api/v1/namespaces/${encodeURIComponent(revisionId)}/pods/${encodeURIComponent(name)}:${monitoringPort}`;
      return { pod: uid, ...readLoad(parseMetrics(await client.readText(`${place}/proxy/metrics`), wanted)) };
    }),
  );
}

function isRunning(pod: KubeObject): boolean {
  return pod.metadata.deletionTimestamp === undefined && stringAt(pod, "status", "phase") === "Running" && isReady(pod);
}

function isReady(pod: KubeObject): boolean {
  const conditions = fieldAt(pod, "status", "conditions");
  return (
    Array.isArray(conditions) &&
    conditions.some((one) => stringAt(one, "type") === "Ready" && stringAt(one, "status") === "True")
  );
}

const wanted = new Set(["pilot_xds", "process_cpu_seconds_total", "process_resident_memory_bytes"]);

function readLoad(samples: readonly MetricSample[]): Omit<IstiodLoad, "pod"> {
  const streams = samples.filter(
    ({ name, labels }) => name === "pilot_xds" && labels["version"]?.endsWith(probeVersionSuffix) !== true,
  );
  const find = (wish: string): number | undefined => samples.find(({ name }) => name === wish)?.value;
  return {
    // No series: no proxy has come yet.
    proxies: streams.reduce((sum, { value }) => sum + Math.max(0, Math.round(value)), 0),
    cpuSeconds: find("process_cpu_seconds_total"),
    memoryBytes: find("process_resident_memory_bytes"),
  };
}
