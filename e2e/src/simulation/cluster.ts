import { type Resolve, createAdmission } from "./admission.ts";
import { createAuthorizer } from "./authorizer.ts";
import { type ClusterApi, createClusterApi } from "./cluster-api.ts";
import { runDefinitionController, runGarbageCollector, runNamespaceController } from "./controllers.ts";
import { createIdentities } from "./identities.ts";
import { createKindTable, type KindTable } from "./kinds.ts";
import { createObjectCalls } from "./object-calls.ts";
import { createObjectStore, type ObjectStore } from "./object-store.ts";

/** A cluster without nodes: its storage, API and controllers. */
export interface SimulatedCluster {
  name: string;
  store: ObjectStore;
  kinds: KindTable;
  api: ClusterApi;
  /** What pods answer when they are asked for their metrics through the API server, by `<namespace>/<name>`. */
  metrics: Map<string, () => string>;
  /** How many proxies its workloads are said to have. */
  proxies: number;
}

export interface ClusterOptions {
  name: string;
  /** PEM of who signed the certificate of the API servers. */
  rootCertificate: string;
  /** What the API server resolves the names of webhooks with. */
  resolve: Resolve;
  /** How many proxies its workloads are said to have; none when absent. */
  proxies?: number;
}

const firstNamespaces = ["default", "kube-node-lease", "kube-public", "kube-system"];

/** Makes a cluster as it is after its first start. */
export function createCluster({ name, rootCertificate, resolve, proxies = 0 }: ClusterOptions): SimulatedCluster {
  const store = createObjectStore();
  const kinds = createKindTable();
  runGarbageCollector(store);
  runDefinitionController(store, kinds);
  const namespaces = kinds.find("", "namespaces");
  if (namespaces === undefined) throw new Error("a cluster without namespaces");
  for (const first of firstNamespaces) {
    const metadata = { name: first, labels: { "kubernetes.io/metadata.name": first } };
    const rest = { spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } };
    store.insert(namespaces, { apiVersion: "v1", kind: "Namespace", metadata, ...rest });
  }
  runNamespaceController(store, kinds, rootCertificate);
  const metrics: SimulatedCluster["metrics"] = new Map();
  const api = createClusterApi({
    store,
    kinds,
    metrics,
    identities: createIdentities(store, kinds),
    authorizer: createAuthorizer(store, kinds),
    calls: createObjectCalls(store, kinds, createAdmission(store, kinds, resolve)),
  });
  return { name, store, kinds, api, metrics, proxies };
}
