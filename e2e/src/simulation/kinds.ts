import { isRecord, listAt, textAt, valueAt } from "./values.ts";

/** A kind that an API server serves. */
export interface ServedKind {
  group: string;
  /** Served versions, the preferred one first. */
  versions: readonly string[];
  kind: string;
  /** Plural. */
  resource: string;
  namespaced: boolean;
}

const group = (name: string, version: string, kinds: Record<string, string>, namespaced: boolean): ServedKind[] =>
  Object.entries(kinds).map(([kind, resource]) => ({ group: name, versions: [version], kind, resource, namespaced }));

/** What each simulated API server serves by itself. */
const builtIn: readonly ServedKind[] = [
  ...group("", "v1", { Namespace: "namespaces" }, false),
  ...group(
    "",
    "v1",
    {
      ConfigMap: "configmaps",
      LimitRange: "limitranges",
      Pod: "pods",
      ResourceQuota: "resourcequotas",
      Secret: "secrets",
      Service: "services",
      ServiceAccount: "serviceaccounts",
    },
    true,
  ),
  ...group(
    "apps",
    "v1",
    { DaemonSet: "daemonsets", Deployment: "deployments", ReplicaSet: "replicasets", StatefulSet: "statefulsets" },
    true,
  ),
  ...group("apiextensions.k8s.io", "v1", { CustomResourceDefinition: "customresourcedefinitions" }, false),
  ...group(
    "admissionregistration.k8s.io",
    "v1",
    {
      MutatingWebhookConfiguration: "mutatingwebhookconfigurations",
      ValidatingWebhookConfiguration: "validatingwebhookconfigurations",
    },
    false,
  ),
  ...group("coordination.k8s.io", "v1", { Lease: "leases" }, true),
  ...group("networking.k8s.io", "v1", { NetworkPolicy: "networkpolicies" }, true),
  ...group("policy", "v1", { PodDisruptionBudget: "poddisruptionbudgets" }, true),
  ...group(
    "rbac.authorization.k8s.io",
    "v1",
    { ClusterRole: "clusterroles", ClusterRoleBinding: "clusterrolebindings" },
    false,
  ),
  ...group("rbac.authorization.k8s.io", "v1", { Role: "roles", RoleBinding: "rolebindings" }, true),
];

/** The kinds of one API server: built-in ones, and those of its CustomResourceDefinitions. */
export interface KindTable {
  all: () => readonly ServedKind[];
  find: (group: string, resource: string) => ServedKind | undefined;
  /** Takes up a definition; answers false when it says nothing that was not known. */
  define: (definition: unknown) => boolean;
  remove: (definition: unknown) => void;
}

const builtInByKey = new Map(builtIn.map((kind) => [`${kind.group}/${kind.resource}`, kind]));

/** The kind that a definition makes; its versions as they are served, newest first as Kubernetes orders them. */
function readDefinition(definition: unknown): ServedKind {
  const versions = listAt(definition, "spec", "versions")
    .filter((version) => isRecord(version) && version["served"] === true)
    .map((version) => textAt(version, "name"));
  return {
    group: textAt(definition, "spec", "group"),
    versions: versions.toSorted((a, b) => rankVersion(b) - rankVersion(a)),
    kind: textAt(definition, "spec", "names", "kind"),
    resource: textAt(definition, "spec", "names", "plural"),
    namespaced: valueAt(definition, "spec", "scope") === "Namespaced",
  };
}

/** v2 before v1 before v1beta2 before v1beta1 before v1alpha1. */
function rankVersion(version: string): number {
  const [, major = "0", stage = "", minor = "0"] = /^v(\d+)(alpha|beta)?(\d+)?$/.exec(version) ?? [];
  const stageRank = { alpha: 0, beta: 1 }[stage] ?? 2;
  return stageRank * 10_000 + Number(major) * 100 + Number(minor);
}

export function createKindTable(): KindTable {
  const custom = new Map<string, ServedKind>();
  const keyOf = ({ group: name, resource }: ServedKind): string => `${name}/${resource}`;
  return {
    all: () => [...builtIn, ...custom.values()],
    find: (name, resource) => builtInByKey.get(`${name}/${resource}`) ?? custom.get(`${name}/${resource}`),
    define(definition) {
      const kind = readDefinition(definition);
      const before = custom.get(keyOf(kind));
      custom.set(keyOf(kind), kind);
      return before === undefined || before.versions.join() !== kind.versions.join();
    },
    remove: (definition) => void custom.delete(keyOf(readDefinition(definition))),
  };
}
