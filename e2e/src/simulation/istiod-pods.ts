import type { KubeObject } from "@pilothouse/provisioner";
import { parse } from "yaml";
import { digest } from "./certificates.ts";
import type { SimulatedCluster } from "./cluster.ts";
import type { Edge } from "./edge.ts";
import { type Istiod, startIstiod } from "./istiod.ts";
import type { ServedKind } from "./kinds.ts";
import { endObject } from "./object-calls.ts";
import { listAt, stringsAt, textAt, valueAt } from "./values.ts";

export interface PodOptions {
  /** The istiod cluster. */
  host: SimulatedCluster;
  edge: Edge;
  /** The mesh cluster whose API server is at this URL. */
  findMesh: (server: string) => SimulatedCluster | undefined;
}

/** How soon controllers and the kubelet act, in milliseconds; a real container takes about a second to start. */
const noticeMs = 10;
const startMs = 100;

const readYaml = (text: string): unknown => {
  const value: unknown = parse(text);
  return value;
};

/** Makes pods of the Deployments in an istiod cluster, and runs an istiod for each. */
export function runIstiodPods({ host, edge, findMesh }: PodOptions): void {
  const { store } = host;
  const kindOf = (group: string, resource: string): ServedKind => {
    const kind = host.kinds.find(group, resource);
    if (kind === undefined) throw new Error(`a cluster without ${resource}`);
    return kind;
  };
  const pods = kindOf("", "pods");
  const deployments = kindOf("apps", "deployments");
  const replicaSets = kindOf("apps", "replicasets");
  const secrets = kindOf("", "secrets");
  const configMaps = kindOf("", "configmaps");
  const running = new Map<string, AbortController>();
  const due = new Set<string>();

  const isOwnedBy = (object: KubeObject, uid: string | undefined): boolean =>
    listAt(object, "metadata", "ownerReferences").some((owner) => textAt(owner, "uid") === uid);
  const isEnding = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;
  const isReady = (pod: KubeObject): boolean =>
    listAt(pod, "status", "conditions").some(
      (condition) => textAt(condition, "type") === "Ready" && textAt(condition, "status") === "True",
    );
  const own = ({ kind, metadata }: KubeObject) => [
    { apiVersion: "apps/v1", kind, name: metadata.name, uid: metadata.uid ?? "" },
  ];

  /** Brings a namespace's pods nearer to its Deployments: new ones are ready before old ones end. */
  function settle(namespace: string): void {
    due.delete(namespace);
    for (const deployment of store.list(deployments, namespace)) {
      const template = valueAt(deployment, "spec", "template");
      const wanted = Number(valueAt(deployment, "spec", "replicas") ?? 1);
      const hash = digest(JSON.stringify(template), 10);
      const name = `${deployment.metadata.name}-${hash}`;
      const labels = { ...stringsAt(template, "metadata", "labels"), "pod-template-hash": hash };
      const current =
        store.get(replicaSets, namespace, name) ??
        store.insert(replicaSets, {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          metadata: { name, namespace, labels, ownerReferences: own(deployment) },
          spec: { replicas: wanted, template },
        });
      const all = store.list(pods, namespace).filter((pod) => !isEnding(pod));
      const mine = all.filter((pod) => isOwnedBy(pod, current.metadata.uid));
      for (let count = mine.length; count < wanted; count += 1) {
        store.insert(pods, {
          apiVersion: "v1",
          kind: "Pod",
          metadata: {
            name: `${name}-${digest(`${performance.now()}${count}`, 5)}`,
            namespace,
            labels,
            annotations: stringsAt(template, "metadata", "annotations"),
            ownerReferences: own(current),
          },
          spec: valueAt(template, "spec"),
          status: { phase: "Pending", conditions: [] },
        });
      }
      const older = all.filter((pod) =>
        store
          .list(replicaSets, namespace)
          .some(
            (set) => set !== current && isOwnedBy(set, deployment.metadata.uid) && isOwnedBy(pod, set.metadata.uid),
          ),
      );
      const surplus = mine.filter(isReady).length >= wanted ? [...older, ...mine.slice(wanted)] : [];
      for (const pod of surplus) endObject(store, pods, pod);
    }
  }

  const notice = (namespace: string): void => {
    if (due.has(namespace)) return;
    due.add(namespace);
    setTimeout(() => settle(namespace), noticeMs);
  };

  const readSecret = (namespace: string, key: string): string => {
    const secret = store.get(secrets, namespace, "istio-kubeconfig");
    return Buffer.from(textAt(secret, "data", key), "base64").toString("utf8");
  };

  /** Starts what is in a pod: it waits for its Secret, as the kubelet does. */
  async function startPod(namespace: string, name: string, uid: string): Promise<void> {
    const pod = store.get(pods, namespace, name);
    if (pod?.metadata.uid !== uid || isEnding(pod)) return;
    const config = readSecret(namespace, "config");
    if (config === "") {
      setTimeout(() => void startPod(namespace, name, uid), startMs);
      return;
    }
    const cluster = valueAt(listAt(readYaml(config), "clusters")[0], "cluster");
    const mesh = findMesh(textAt(cluster, "server"));
    if (mesh === undefined) return;
    const ended = new AbortController();
    running.set(uid, ended);
    setStatus(namespace, name, { phase: "Running", conditions: [{ type: "Ready", status: "False" }] });
    const environment = new Map(
      listAt(listAt(pod, "spec", "containers")[0], "env").map((entry) => [
        textAt(entry, "name"),
        textAt(entry, "value"),
      ]),
    );
    const meshConfig = readYaml(textAt(store.get(configMaps, namespace, "istio"), "data", "mesh"));
    const values: unknown = JSON.parse(
      textAt(store.get(configMaps, namespace, "istio-sidecar-injector"), "data", "values") || "{}",
    );
    const image = textAt(listAt(pod, "spec", "containers")[0], "image");
    const istiod = await startIstiod({
      revision: namespace,
      hostname: environment.get("ISTIOD_CUSTOM_HOST") ?? "",
      version: image.slice(image.lastIndexOf(":") + 1),
      podName: name,
      discoveryAddress: textAt(meshConfig, "defaultConfig", "discoveryAddress"),
      caAddress: textAt(values, "global", "caAddress"),
      mesh,
      readToken: () => readSecret(namespace, "token"),
      signal: ended.signal,
    });
    if (istiod === undefined || ended.signal.aborted) return;
    edge.add(istiod);
    host.metrics.set(`${namespace}/${name}`, () =>
      writeMetrics(istiod, mesh.proxies / Math.max(1, store.list(pods, namespace).length)),
    );
    const end = (): void => {
      edge.remove(istiod);
      host.metrics.delete(`${namespace}/${name}`);
    };
    ended.signal.addEventListener("abort", end, { once: true });
    setStatus(namespace, name, { phase: "Running", conditions: [{ type: "Ready", status: "True" }] });
  }

  function setStatus(namespace: string, name: string, status: object): void {
    const pod = store.get(pods, namespace, name);
    if (pod !== undefined) store.replace(pods, pod, { ...pod, status });
  }

  store.onChange(({ kind, before, after }) => {
    const { namespace, name, uid = "" } = (after ?? before)?.metadata ?? { name: "" };
    if (namespace === undefined || (kind !== deployments && kind !== pods)) return;
    if (kind === pods && before === undefined) setTimeout(() => void startPod(namespace, name, uid), startMs);
    if (kind === pods && (after === undefined || isEnding(after))) {
      running.get(uid)?.abort();
      running.delete(uid);
    }
    notice(namespace);
  });
}

/**
 * As much of istiod's metrics as is asked for; whoever connects here is a sentinel. Memory is what an idle istiod takes.
 * @param proxies that are said to be connected beside it
 */
function writeMetrics({ settings: { version }, sessions }: Istiod, proxies: number): string {
  return [
    "# TYPE pilot_xds gauge",
    `pilot_xds{version="${version}-pilothouse"} ${sessions.size}`,
    `pilot_xds{version="${version}"} ${Math.round(proxies)}`,
    `process_cpu_seconds_total ${process.uptime() / 100}`,
    "process_resident_memory_bytes 1.17e+08",
    "",
  ].join("\n");
}
